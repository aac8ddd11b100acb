// One point to be put right, with the agency's own words; only what the agency may look at again is asked.
import { Text } from '@tarojs/components'
import { useState } from 'react'
import { Button } from '../../../components/button'
import { FormError } from '../../../components/states'
import { useDraft } from '../../../hooks/useDraft'
import { useLoad } from '../../../hooks/useLoad'
import { useSubmit } from '../../../hooks/useSubmit'
import { type Answers, type BirthPage, correctStep, type Filing, precheckBirth, type Step } from '../../../services/births'
import { filing as t } from '../../../texts/births'
import { correctedAnswers, correctedFields, type Faults, faultsOf, formStepOf, tidyAnswers } from '../../../utils/births'
import { toast } from '../../../utils/platform'
import { cityDate, formatDate } from '../../../utils/time'
import { Materials } from '../form/materials'
import { BankField, DeliveryFields, FatherFields, HouseholdChoice, NameField, type PartProps } from '../form/parts'
import { Card, Problems } from '../parts'

function FieldOf({ field, ...props }: PartProps & { field: string }) {
  switch (field) {
    case 'child_name': return <NameField {...props} />
    case 'household_with': return <HouseholdChoice {...props} />
    case 'other_name': return <FatherFields {...props} />
    case 'bank_account': return <BankField {...props} />
    case 'delivery': return <DeliveryFields {...props} />
    default: return null
  }
}

interface CorrectionProps {
  filing: Filing
  step: Step
  page: BirthPage
  onCorrected: (filing: Filing) => void
}

export function Correction({ filing, step, page, onCorrected }: CorrectionProps) {
  const draft = useDraft<Answers>(`birth.${filing.id}.${step.code}`, filing.answers)
  const [faults, setFaults] = useState<Faults>({})
  const sending = useSubmit()
  const fields = correctedFields(step)
  const send = (): void => {
    const answers = correctedAnswers(filing.answers, tidyAnswers(draft.value, page), fields)
    const wrong = fields.reduce<Faults>((all, field) => ({ ...all, ...faultsOf(formStepOf(field), answers, filing.birth, page) }), {})
    setFaults(wrong)
    if (fields.some((field) => Object.keys(wrong).some((name) => name === field || name.startsWith(`${field}.`)))) return
    void sending.run(async () => {
      const corrected = await correctStep(filing.id, step.code, answers)
      draft.drop()
      toast(t.corrected)
      onCorrected(corrected)
    })
  }
  const checked = useLoad(`precheck/${filing.id}/${step.code}`, () => precheckBirth(filing.birth.id, filing.answers))
  // Papers are asked for again unless the agency has named what it means.
  const papers = step.problems.every(({ field }) => fields.includes(field)) ? [] : (checked.data?.materials ?? []).filter((one) => one.may_upload)
  const recheck = async (): Promise<void> => {
    checked.put(await precheckBirth(filing.birth.id, filing.answers))
  }
  const props = { birth: filing.birth, page, answers: draft.value, faults, change: draft.change }
  return (
    <Card title={t.correctTitle(step.name)}>
      <Problems problems={step.problems} />
      {step.correct_by ? <Text className="birth__note">{t.correctBy(formatDate(cityDate(step.correct_by)))}</Text> : null}
      {fields.map((field) => <FieldOf key={field} field={field} {...props} />)}
      {papers.length > 0 ? <Materials filingId={filing.id} materials={papers} onChanged={recheck} /> : null}
      <FormError error={sending.error} />
      <Button text={t.send} busy={sending.busy} onPress={send} testId="correction-send" />
    </Card>
  )
}
