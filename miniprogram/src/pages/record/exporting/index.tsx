// Taking the whole file away: made ready by the city, with its progress, then a download.
import { Text, View } from '@tarojs/components'
import { useRouter } from '@tarojs/taro'
import { useEffect, useState } from 'react'
import { Button } from '../../../components/button'
import { Guard } from '../../../components/guard'
import { Page } from '../../../components/page'
import { FormError } from '../../../components/states'
import { Tabs } from '../../../components/tabs'
import { useSubmit } from '../../../hooks/useSubmit'
import { type Export, fetchExport, fetchExportFile, orderExport } from '../../../services/record'
import { pageTitles } from '../../../texts'
import { exporting as t } from '../../../texts/reports'
import { saveFile } from '../../../utils/saveFile'
import '../../reports/detail/index.scss'

const LOOK_AGAIN_MS = 1500

function Progress({ of, onChange }: { of: Export; onChange: (latest: Export) => void }) {
  const saving = useSubmit()
  const waiting = of.state === 'due' || of.state === 'running'
  useEffect(() => {
    if (!waiting) return undefined
    const timer = setInterval(() => {
      // A look that fails is made again by the next.
      fetchExport(of.id).then(onChange).catch(() => undefined)
    }, LOOK_AGAIN_MS)
    return () => {
      clearInterval(timer)
    }
  }, [waiting, of.id, onChange])
  const save = (): void => {
    void saving.run(async () => {
      await saveFile(await fetchExportFile(of.id), of.form === 'pdf' ? 'record.pdf' : 'record.json')
    })
  }
  return (
    <View className="report__card" data-testid="export-state" data-state={of.state}>
      <Text className="report__heading">{of.state === 'failed' ? t.failed : of.state === 'done' ? t.ready : t.running(of.done, of.total)}</Text>
      {of.state === 'done' ? <Button text={t.download} busy={saving.busy} onPress={save} testId="export-download" /> : null}
      <FormError error={saving.error} />
    </View>
  )
}

function Exporting({ patientId }: { patientId: string }) {
  const [form, setForm] = useState<Export['form']>('pdf')
  const [export_, setExport] = useState<Export>()
  const ordering = useSubmit()
  const order = (): void => {
    void ordering.run(async () => {
      setExport(await orderExport(patientId, form))
    })
  }
  return (
    <View className="report">
      <Text className="report__note">{t.lead}</Text>
      <Tabs tabs={[{ key: 'pdf', text: t.pdf }, { key: 'fhir', text: t.fhir }]} chosen={form} onChoose={setForm} />
      <Button text={t.make} busy={ordering.busy} onPress={order} testId="export-make" />
      <FormError error={ordering.error} />
      {export_ ? <Progress of={export_} onChange={setExport} /> : null}
      <Text className="report__note">{t.privacy}</Text>
    </View>
  )
}

export default function ExportingPage() {
  const { params } = useRouter<{ patient_id: string }>()
  return (
    <Page title={pageTitles.exporting}>
      <Guard realName>{() => <Exporting patientId={params.patient_id} />}</Guard>
    </Page>
  )
}
