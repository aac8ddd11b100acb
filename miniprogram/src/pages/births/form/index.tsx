// One application in four short pages. Left at any time, it is found again as it was.
import { Text, View } from '@tarojs/components'
import { useRouter } from '@tarojs/taro'
import { useEffect, useState } from 'react'
import { Button } from '../../../components/button'
import { Empty, FormError, Loaded } from '../../../components/states'
import { Guard } from '../../../components/guard'
import { Bottom, Page } from '../../../components/page'
import { useDraft } from '../../../hooks/useDraft'
import { useLoad } from '../../../hooks/useLoad'
import { useSubmit } from '../../../hooks/useSubmit'
import { amendFiling, type Answers, type BirthPage, fetchBirthPage, fetchFiling, type Filing, type Precheck, precheckBirth, type Problem, submitFiling } from '../../../services/births'
import { pageTitles } from '../../../texts'
import { births, form as t } from '../../../texts/births'
import { babyName, bornWords, Problems } from '../parts'
import { type Faults, faultsOf, FORM_STEPS, type FormStep, problemsOfStep, stepsOf, stepWithFault, stops, tidyAnswers } from '../../../utils/births'
import { replace, routes } from '../../../utils/navigate'
import { toast, toTop } from '../../../utils/platform'
import { askSubscriptions, prepareSubscriptions } from '../../../utils/subscribe'
import { LastLook, Materials, Truth } from './materials'
import { NamePart, ParentsPart, WishesPart } from './parts'
import './index.scss'

function Steps({ at }: { at: number }) {
  return (
    <View className="form-steps" role="status">
      <Text className="form-steps__count">{t.step(at + 1, FORM_STEPS.length)}</Text>
      <Text className="form-steps__title">{t.titles[FORM_STEPS[at] ?? 'name']}</Text>
      <View className="form-steps__bars">
        {FORM_STEPS.map((step, i) => <View key={step} className={`form-steps__bar ${i <= at ? 'form-steps__bar--on' : ''}`} />)}
      </View>
    </View>
  )
}

interface Opened {
  filing: Filing
  checked: Precheck
  page: BirthPage
}

async function open(id: string): Promise<Opened> {
  const [filing, page] = await Promise.all([fetchFiling(id), fetchBirthPage()])
  return { filing, page, checked: await precheckBirth(filing.birth.id, filing.answers) }
}

interface Filling {
  filing: Filing
  checked: Precheck
  page: BirthPage
  step: FormStep
  at: number
  answers: Answers
  faults: Faults
  problems: Problem[]
  change: (some: Partial<Answers>) => void
  goTo: (step: FormStep) => void
  saving: ReturnType<typeof useSubmit>
  next: () => void
  submit: () => void
  recheck: () => Promise<void>
  promised: boolean
  promise: (on: boolean) => void
}

/** Where somebody is in the form, what she has said, and going on. */
function useFilling({ filing, checked: first, page }: Opened): Filling {
  const draft = useDraft<Answers>(`birth.${filing.id}`, filing.answers)
  const place = useDraft<{ step: FormStep }>(`birth.${filing.id}.page`, { step: 'name' })
  const [checked, setChecked] = useState(first)
  const [faults, setFaults] = useState<Faults>({})
  const [problems, setProblems] = useState<Problem[]>([])
  const [promised, promise] = useState(false)
  const saving = useSubmit()
  const { step } = place.value
  const at = FORM_STEPS.indexOf(step)
  const answers = tidyAnswers(draft.value, page)
  const goTo = (to: FormStep): void => {
    setFaults({})
    setProblems([])
    place.change({ step: to })
    toTop()
  }
  const check = async (): Promise<Precheck> => {
    const found = await precheckBirth(filing.birth.id, answers)
    setChecked(found)
    return found
  }
  const next = (): void => {
    const wrong = faultsOf(step, answers, filing.birth, page)
    setFaults(wrong)
    if (Object.keys(wrong).length > 0) return
    void saving.run(async () => {
      await amendFiling(filing.id, answers)
      const here = problemsOfStep((await check()).problems, step)
      setProblems(here)
      if (!here.some(stops)) goTo(FORM_STEPS[at + 1] ?? step)
    })
  }
  const submit = (): void => {
    const wrong = stepWithFault(answers, filing.birth, page)
    if (wrong) {
      goTo(wrong)
      setFaults(faultsOf(wrong, answers, filing.birth, page))
      return
    }
    if (!promised) toast(t.truthFirst)
    else void saving.run(async () => {
      await amendFiling(filing.id, answers)
      const { ok, problems: found } = await check()
      setProblems(found.filter(stops))
      if (!ok) return
      await submitFiling(filing.id)
      draft.drop()
      place.drop()
      toast(t.submitted)
      replace(routes.birthFiling(filing.id))
    })
  }
  const recheck = (): Promise<void> => check().then(() => {
    setProblems([])
  })
  return { filing, checked, page, step, at, answers: draft.value, faults, problems, change: draft.change, goTo, saving, next, submit, recheck, promised, promise }
}

function Part({ filling }: { filling: Filling }) {
  const { filing, checked, page, step, answers, faults, change } = filling
  const props = { birth: filing.birth, page, answers, faults, change }
  const optional = stepsOf(checked).filter((one) => one.optional)
  switch (step) {
    case 'name': return <NamePart {...props} />
    case 'parents': return <ParentsPart {...props} />
    case 'wishes': return <WishesPart {...props} optional={optional} />
    case 'materials': return (
      <>
        <Materials filingId={filing.id} materials={checked.materials} lead={t.materialsLead} onChanged={filling.recheck} />
        <Problems problems={checked.problems.filter((one) => !stops(one))} />
        <LastLook answers={answers} optional={optional} />
        <Truth on={filling.promised} onChange={filling.promise} />
      </>
    )
  }
}

function Form({ opened }: { opened: Opened }) {
  const filling = useFilling(opened)
  const { filing, step, at, saving } = filling
  const last = step === 'materials'
  useEffect(() => void prepareSubscriptions(), [])
  const send = (): void => {
    // Asked at the tap, where WeChat allows it: what becomes of the filing is told days later.
    if (filling.promised) void askSubscriptions('birth')
    filling.submit()
  }
  return (
    <>
      <Steps at={at} />
      <Text className="birth__lead">{at === 0 ? `${babyName(filing.birth)}，${bornWords(filing.birth)}。${t.kept}` : t.kept}</Text>
      <Part filling={filling} />
      <Problems problems={filling.problems} />
      <FormError error={saving.error} />
      {at > 0 ? (
        <Button
          kind="link" text={t.back} testId="birth-back"
          onPress={() => {
            filling.goTo(FORM_STEPS[at - 1] ?? 'name')
          }}
        />
      ) : null}
      <Bottom>
        <Button text={last ? t.submit : t.next} busy={saving.busy} onPress={last ? send : filling.next} testId={last ? 'birth-submit' : 'birth-next'} />
      </Bottom>
    </>
  )
}

function Opening({ id }: { id: string }) {
  const load = useLoad(`birth-form/${id}`, () => open(id))
  const see = (): void => {
    replace(routes.birthFiling(id))
  }
  return (
    <Loaded of={load}>
      {(opened) => (opened.filing.state === 'draft'
        ? <Form opened={opened} />
        : <Empty icon="done" text={t.over} action={<Button text={births.see} onPress={see} testId="birth-see" />} />)}
    </Loaded>
  )
}

export default function BirthFormPage() {
  const { filing_id: id = '' } = useRouter().params
  return (
    <Page title={pageTitles.birthForm}>
      <Guard realName>{() => <Opening id={id} />}</Guard>
    </Page>
  )
}
