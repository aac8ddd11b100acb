// Writing down what one has measured oneself.
import { Text, View } from '@tarojs/components'
import { useRouter } from '@tarojs/taro'
import { useState } from 'react'
import { Button } from '../../../components/button'
import { Field } from '../../../components/field'
import { Guard } from '../../../components/guard'
import { Page } from '../../../components/page'
import { FormError } from '../../../components/states'
import { Tabs } from '../../../components/tabs'
import { useSubmit } from '../../../hooks/useSubmit'
import { type MeasurementKind, saveMeasurement } from '../../../services/record'
import { pageTitles } from '../../../texts'
import { measure as t, measurementNames } from '../../../texts/reports'
import { now } from '../../../utils/clock'
import { bounds, readNumber, wrongOf } from '../../../utils/measurement'
import { goBack } from '../../../utils/navigate'
import { toast } from '../../../utils/platform'
import '../../reports/detail/index.scss'

const KINDS: MeasurementKind[] = ['blood_pressure', 'glucose', 'weight', 'temperature']

function labelOf(kind: MeasurementKind, at: number): string {
  if (kind !== 'blood_pressure') return measurementNames[kind]
  return at === 0 ? t.systolic : t.diastolic
}

function Measure({ patientId }: { patientId: string }) {
  const [kind, setKind] = useState<MeasurementKind>('blood_pressure')
  const [texts, setTexts] = useState<string[]>(['', ''])
  const [wrong, setWrong] = useState<number[]>([])
  const saving = useSubmit()
  const choose = (next: MeasurementKind): void => {
    setKind(next)
    setTexts(['', ''])
    setWrong([])
    saving.clear()
  }
  const save = (): void => {
    const odd = wrongOf(kind, texts)
    setWrong(odd)
    if (odd.length > 0) return
    void saving.run(async () => {
      const values = bounds[kind].map((_, i) => readNumber(texts[i] ?? '') ?? 0)
      await saveMeasurement({ patient_id: patientId, kind, values, at: new Date(now()).toISOString() })
      toast(t.saved)
      goBack()
    })
  }
  return (
    <View className="report">
      <Tabs tabs={KINDS.map((key) => ({ key, text: measurementNames[key] }))} chosen={kind} onChoose={choose} />
      <View className="report__card">
        {bounds[kind].map(({ least, most, unit, placeholder }, i) => (
          <Field
            key={`${kind}${String(i)}`} label={`${labelOf(kind, i)}（${unit}）`} value={texts[i] ?? ''} maxLength={7} placeholder={placeholder}
            error={wrong.includes(i) ? t.wrong(least, most) : undefined} testId={`measure-${String(i)}`}
            onChange={(text) => {
              setTexts(texts.map((one, at) => (at === i ? text : one)))
            }}
          />
        ))}
        <FormError error={saving.error} />
        <Button text={t.save} busy={saving.busy} onPress={save} testId="measure-save" />
      </View>
      <Text className="report__note">{t.lead}</Text>
      <Text className="report__note">{t.careful}</Text>
    </View>
  )
}

export default function MeasurePage() {
  const { params } = useRouter<{ patient_id: string }>()
  return (
    <Page title={pageTitles.measure}>
      <Guard realName>{() => <Measure patientId={params.patient_id} />}</Guard>
    </Page>
  )
}
