// Saying what is wrong in a hospital's chart; the hospital answers.
import { Text, View } from '@tarojs/components'
import { useRouter } from '@tarojs/taro'
import { useState } from 'react'
import { Button } from '../../../components/button'
import { Field } from '../../../components/field'
import { Guard } from '../../../components/guard'
import { Page } from '../../../components/page'
import { Press } from '../../../components/press'
import { Empty, FormError, Loaded } from '../../../components/states'
import { Tag } from '../../../components/tag'
import { type Load, useLoad } from '../../../hooks/useLoad'
import { useSubmit } from '../../../hooks/useSubmit'
import { askCorrection, type Correction, type CorrectionField, type Keeper, listCorrections, listKeepers } from '../../../services/record'
import { pageTitles } from '../../../texts'
import { correction as t } from '../../../texts/reports'
import { toast } from '../../../utils/platform'
import '../../reports/detail/index.scss'
import '../timeline/index.scss'

const FIELDS: CorrectionField[] = ['name', 'sex', 'birth_on', 'phone', 'address', 'other']

function Chips<K extends string>({ options, chosen, choose, testId }: { options: { key: K; text: string }[]; chosen: K | undefined; choose: (key: K) => void; testId: string }) {
  return (
    <View className="chips" role="radiogroup">
      {options.map(({ key, text }) => (
        <Press
          key={key} role="radio" selected={key === chosen} className={`chip ${key === chosen ? 'chip--on' : ''}`} testId={testId}
          onPress={() => {
            choose(key)
          }}
        >
          <Text>{text}</Text>
        </Press>
      ))}
    </View>
  )
}

function Ask({ patientId, keepers, onAsked }: { patientId: string; keepers: Keeper[]; onAsked: () => void }) {
  const [chart, setChart] = useState(keepers[0]?.chart_id)
  const [field, setField] = useState<CorrectionField>('phone')
  const [wish, setWish] = useState('')
  const asking = useSubmit()
  const send = (): void => {
    if (!chart || !wish.trim()) return
    void asking.run(async () => {
      await askCorrection({ patient_id: patientId, chart_id: chart, field, wish: wish.trim() })
      setWish('')
      toast(t.sent)
      onAsked()
    })
  }
  return (
    <View className="report__card">
      <Text className="report__heading">{t.where}</Text>
      <Chips options={keepers.map(({ chart_id: key, organization_name: text }) => ({ key, text }))} chosen={chart} choose={setChart} testId="correction-chart" />
      <Text className="report__heading">{t.field}</Text>
      <Chips options={FIELDS.map((key) => ({ key, text: t.fields[key] }))} chosen={field} choose={setField} testId="correction-field" />
      <Field label={t.wish} value={wish} maxLength={200} placeholder={t.wishPlaceholder} onChange={setWish} testId="correction-wish" />
      <FormError error={asking.error} />
      <Button text={t.send} busy={asking.busy} disabled={!wish.trim()} onPress={send} testId="correction-send" />
    </View>
  )
}

function Asked({ of }: { of: Load<Correction[]> }) {
  return (
    <Loaded of={of} rows={1}>
      {(items) => (
        <>
          {items.map((one) => (
            <View className="moment" key={one.id} data-testid="correction-item">
              <View className="moment__top"><Tag text={t.states[one.state]} tone={one.state === 'done' ? 'good' : one.state === 'asked' ? 'wait' : 'calm'} /></View>
              <Text className="moment__title">{`${t.fields[one.field]}：${one.wish}`}</Text>
              <Text className="moment__where">{one.organization_name}</Text>
              {one.answer ? <Text className="moment__note">{t.answer(one.answer)}</Text> : null}
            </View>
          ))}
        </>
      )}
    </Loaded>
  )
}

function Corrections({ patientId }: { patientId: string }) {
  const keepers = useLoad(`keepers/${patientId}`, () => listKeepers(patientId))
  const asked = useLoad(`corrections/${patientId}`, () => listCorrections(patientId), true)
  return (
    <Loaded of={keepers}>
      {(places) => (places.length === 0 ? <Empty icon="hospital" text={t.noCharts} /> : (
        <View className="report">
          <Text className="report__note">{t.lead}</Text>
          <Ask patientId={patientId} keepers={places} onAsked={asked.reload} />
          <Asked of={asked} />
        </View>
      ))}
    </Loaded>
  )
}

export default function CorrectionPage() {
  const { params } = useRouter<{ patient_id: string }>()
  return (
    <Page title={pageTitles.correction}>
      <Guard realName>{() => <Corrections patientId={params.patient_id} />}</Guard>
    </Page>
  )
}
