// How far the papers are: one line an agency, what has to be put right, and what has come of it.
import { Text, View } from '@tarojs/components'
import { useRouter } from '@tarojs/taro'
import { useState } from 'react'
import { Button } from '../../../components/button'
import { Choice } from '../../../components/choice'
import { Facts } from '../../../components/facts'
import { Guard } from '../../../components/guard'
import { Icon, type IconName } from '../../../components/icon'
import { Page } from '../../../components/page'
import { Confirm } from '../../../components/sheet'
import { FormError, Loaded } from '../../../components/states'
import { Tag } from '../../../components/tag'
import { type Load, useLoad } from '../../../hooks/useLoad'
import { useSubmit } from '../../../hooks/useSubmit'
import { type BirthPage, fetchBirthPage, fetchFiling, fetchPaper, type Filing, type Step, type StepState, withdrawFiling } from '../../../services/births'
import { pageTitles } from '../../../texts'
import { births, filing as t } from '../../../texts/births'
import { canWithdraw, FILING_TONES, isOver, isToReceive, mayFileAgain, progressOf, STEP_TONES, resultWords, stepDay, stepWords } from '../../../utils/births'
import { go, replace, routes } from '../../../utils/navigate'
import { toast } from '../../../utils/platform'
import { saveFile } from '../../../utils/saveFile'
import { babyName, bornWords, Card, Problems } from '../parts'
import { Correction } from './correction'
import { Handovers } from './handovers'
import './index.scss'

const ICONS: Partial<Record<StepState, IconName>> = { done: 'done', needs_correction: 'alert', rejected: 'alert' }

function Head({ filing }: { filing: Filing }) {
  const { done, of } = progressOf(filing.steps)
  return (
    <View className={`filing-head filing-head--${FILING_TONES[filing.state]}`} role="status" data-testid="filing-state" data-state={filing.state}>
      <Text className="filing-head__state">{t.states[filing.state]}</Text>
      <Text className="filing-head__lead">{t.leads[filing.state]}</Text>
      {filing.owner?.kind === 'staff' && !isOver(filing) ? <Text className="filing-head__lead">{t.staff}</Text> : null}
      {isToReceive(filing) ? <Text className="filing-head__lead">{t.stillToCome}</Text> : null}
      {done > 0 && filing.state !== 'completed' ? <Text className="filing-head__count">{t.progress(done, of)}</Text> : null}
    </View>
  )
}

function StepLine({ step, steps }: { step: Step; steps: Step[] }) {
  const day = stepDay(step)
  return (
    <View className={`paper paper--${step.state}`} data-testid={`step-${step.code}`} data-state={step.state}>
      <View className="paper__icon"><Icon name={ICONS[step.state] ?? 'clock'} size={24} /></View>
      <View className="paper__words">
        <View className="paper__top">
          <Text className="paper__name">{step.name}</Text>
          <Tag text={t.short[step.state]} tone={STEP_TONES[step.state]} />
        </View>
        <Text className="paper__state">{[step.agency_name, step.state === 'done' && day ? day : stepWords(step, steps)].join('，')}</Text>
        {day && step.state !== 'done' ? <Text className="paper__state">{day}</Text> : null}
        {step.receipt && step.state === 'accepted' ? <Text className="paper__state">{t.receipt(step.receipt)}</Text> : null}
        {step.state === 'rejected' ? <Problems problems={step.problems} /> : null}
      </View>
    </View>
  )
}

/** The result as a sheet of paper: opened, kept or printed as the phone does it with files. */
function Paper({ filingId, step }: { filingId: string; step: string }) {
  const loading = useSubmit()
  const open = (): void => {
    void loading.run(async () => {
      await saveFile(await fetchPaper(filingId, step), `${step}.pdf`)
    })
  }
  return (
    <>
      <Button small kind="plain" text={t.paper} busy={loading.busy} onPress={open} testId={`paper-${step}`} />
      <FormError error={loading.error} />
    </>
  )
}

function Results({ filing, page }: { filing: Filing; page: BirthPage }) {
  const done = filing.steps.filter(({ results }) => Object.keys(results).length > 0)
  if (done.length === 0) return null
  return (
    <Card title={t.results}>
      {done.map(({ code, name, results, revoked, result_names: names }) => (
        <View key={code} data-testid={`result-${code}`}>
          <Text className="paper__name">{name}</Text>
          <Facts facts={Object.entries(results).map(([key, value]) => [names[key] ?? t.otherResult, resultWords(value)])} />
          {revoked ? <Text className="birth__note">{t.revoked}</Text> : <Paper filingId={filing.id} step={code} />}
        </View>
      ))}
      <Text className="birth__note">{page.words.paper_hint}</Text>
    </Card>
  )
}

function Withdraw({ filing, load }: { filing: Filing; load: Load<Filing> }) {
  const [open, setOpen] = useState(false)
  const [reason, setReason] = useState<string>()
  const taking = useSubmit()
  const close = (): void => {
    setOpen(false)
    taking.clear()
  }
  const withdraw = (): void => {
    void taking.run(async () => {
      load.put(await withdrawFiling(filing.id, reason ?? t.withdrawReasons[0] ?? ''))
      setOpen(false)
      toast(t.withdrawn)
    })
  }
  return (
    <>
      <Button
        kind="link" text={t.withdraw} testId="birth-withdraw"
        onPress={() => {
          setOpen(true)
        }}
      />
      <Confirm
        open={open} title={t.withdraw} text={t.withdrawAsk} action={t.withdraw} danger busy={taking.busy} error={taking.error}
        onConfirm={withdraw} onClose={close} testId="birth-withdraw-confirm"
      >
        <Choice
          label={t.withdrawReason} testId="withdraw-reason" chosen={reason} onChoose={setReason}
          options={t.withdrawReasons.map((text) => ({ key: text, text }))}
        />
      </Confirm>
    </>
  )
}

function Onward({ filing }: { filing: Filing }) {
  if (filing.state === 'draft') {
    return <Button text={t.goOn} testId="birth-go-on" onPress={() => { replace(routes.birthForm(filing.id)) }} />
  }
  if (!mayFileAgain(filing.state)) return null
  return <Button kind="plain" text={births.again} testId="birth-again" onPress={() => { go(routes.birthCheck(filing.birth.id)) }} />
}

function Progress({ filing, page, load }: { filing: Filing; page: BirthPage; load: Load<Filing> }) {
  const leftOut = filing.remarks.filter(({ kind }) => kind === 'left_out')
  const wrong = filing.steps.find(({ state }) => state === 'needs_correction')
  return (
    <>
      <Text className="birth__lead">{[filing.answers.child_name || babyName(filing.birth), bornWords(filing.birth)].join('，')}</Text>
      <Head filing={filing} />
      {wrong ? <Correction key={wrong.code} filing={filing} step={wrong} page={page} onCorrected={load.put} /> : null}
      <Handovers filing={filing} load={load} />
      {filing.state === 'completed' ? <Results filing={filing} page={page} /> : null}
      {filing.state === 'draft' ? null : (
        <Card title={t.all}>
          {filing.steps.filter(({ state }) => state !== 'not_wanted').map((step) => <StepLine key={step.code} step={step} steps={filing.steps} />)}
        </Card>
      )}
      {filing.state === 'completed' ? null : <Results filing={filing} page={page} />}
      {leftOut.length > 0 ? <Card title={t.leftOut}><Problems problems={leftOut} /></Card> : null}
      <Onward filing={filing} />
      {canWithdraw(filing) ? <Withdraw filing={filing} load={load} /> : null}
      <Text className="birth__lead">{page.words.ask}</Text>
    </>
  )
}

function Filing_({ id }: { id: string }) {
  const load = useLoad(`birth-filing/${id}`, () => fetchFiling(id), true)
  const page = useLoad('births/page', fetchBirthPage)
  return <Loaded of={load}>{(filing) => <Loaded of={page}>{(known) => <Progress filing={filing} page={known} load={load} />}</Loaded>}</Loaded>
}

export default function BirthFilingPage() {
  const { filing_id: id = '' } = useRouter().params
  return (
    <Page title={pageTitles.birthFiling}>
      <Guard realName>{() => <Filing_ id={id} />}</Guard>
    </Page>
  )
}
