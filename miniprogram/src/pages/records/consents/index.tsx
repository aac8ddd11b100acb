// Who may read a record: hospitals' requests to answer, what is granted, what has ended.
import { Text, View } from '@tarojs/components'
import { useState } from 'react'
import { Button } from '../../../components/button'
import { Facts } from '../../../components/facts'
import { Guard } from '../../../components/guard'
import { Page } from '../../../components/page'
import { PatientPicker } from '../../../components/patientPicker'
import { Confirm } from '../../../components/sheet'
import { Empty, Loaded } from '../../../components/states'
import { Tag, type Tone } from '../../../components/tag'
import { useLoad } from '../../../hooks/useLoad'
import { usePatientChoice } from '../../../hooks/usePatientChoice'
import { usePatients } from '../../../hooks/usePatients'
import { useSubmit } from '../../../hooks/useSubmit'
import { type Consent, type ConsentState, denyConsent, grantConsent, listConsents, revokeConsent } from '../../../services/records'
import type { Patient } from '../../../services/types'
import { pageTitles } from '../../../texts'
import { consents as t, consentStateNames, recordKindNames } from '../../../texts/records'
import { go, routes } from '../../../utils/navigate'
import { toast } from '../../../utils/platform'
import { cityDate, formatInstant } from '../../../utils/time'
import './index.scss'

const TONES: Record<ConsentState, Tone> = { requested: 'wait', granted: 'good', denied: 'calm', revoked: 'calm', expired: 'calm' }
const ORDER: ConsentState[] = ['requested', 'granted', 'denied', 'revoked', 'expired']
const ACTS = {
  grant: { run: grantConsent, title: t.grant, ask: t.grantAsk, done: t.granted, danger: false },
  deny: { run: denyConsent, title: t.deny, ask: t.denyAsk, done: t.denied, danger: true },
  revoke: { run: revokeConsent, title: t.revoke, ask: t.revokeAsk, done: t.revoked, danger: true },
}
type Act = keyof typeof ACTS

function recipientsOf({ recipients }: Consent): string {
  if (!recipients) return t.everybody
  return recipients.map(({ organization_name: name, departments }) => [name, ...departments].join(' ')).join('、')
}

function periodOf({ since, until }: Consent): string {
  if (since && until) return t.between(since, until)
  if (since) return t.since(since)
  return until ? t.until(until) : ''
}

function kindsOf({ kinds, sensitive }: Consent): string {
  const named = kinds ? kinds.map((kind) => recordKindNames[kind] ?? kind).join('、') : t.all
  return sensitive ? `${named}（${t.sensitive}）` : named
}

interface CardProps {
  consent: Consent
  onAct: (act: Act) => void
}

function Card({ consent, onAct }: CardProps) {
  const { asked, state } = consent
  const open = state === 'requested'
  return (
    <View className="consent" data-testid="consent-item">
      <View className="consent__top">
        <Text className="consent__title">{asked ? t.ask(asked.organization_name) : t.yours}</Text>
        <Tag text={consentStateNames[state]} tone={TONES[state]} />
        {consent.via === 'sms_code' ? <Tag text={t.bySms} tone="info" /> : null}
      </View>
      <Facts
        facts={[
          [t.why, asked?.reason],
          [t.who, asked ? '' : recipientsOf(consent)],
          [t.what, kindsOf(consent)],
          [t.period, periodOf(consent)],
          [t.purpose, consent.purpose_name],
          [t.expires, cityDate(consent.expires_at)],
          [t.answerBy, open && asked?.lapses_at ? formatInstant(asked.lapses_at) : ''],
        ]}
      />
      <View className="consent__acts">
        {open ? <Button small text={t.grant} testId="consent-grant" onPress={() => { onAct('grant') }} /> : null}
        {open ? <Button small kind="plain" text={t.deny} testId="consent-deny" onPress={() => { onAct('deny') }} /> : null}
        {state === 'granted' ? <Button small kind="danger" text={t.revoke} testId="consent-revoke" onPress={() => { onAct('revoke') }} /> : null}
      </View>
    </View>
  )
}

function ConsentsOf({ patient }: { patient: Patient }) {
  const list = useLoad(`consents/${patient.id}`, () => listConsents(patient.id), true)
  const [asking, setAsking] = useState<{ consent: Consent; act: Act }>()
  const acting = useSubmit()
  const decides = patient.relation === 'self' || patient.relation === 'child'
  const close = (): void => {
    setAsking(undefined)
    acting.clear()
  }
  const act = (): void => {
    void acting.run(async () => {
      if (!asking) return
      await ACTS[asking.act].run(asking.consent.id)
      toast(ACTS[asking.act].done)
      setAsking(undefined)
      list.reload()
    })
  }
  const chosen = asking ? ACTS[asking.act] : undefined
  return (
    <>
      {decides
        ? <Button text={t.add} testId="consent-add" onPress={() => { go(routes.consentGrant(patient.id)) }} />
        : <Text className="consents__note">{t.adult}</Text>}
      <Button kind="plain" text={t.log} testId="consent-log" onPress={() => { go(routes.accesses()) }} />
      <Loaded of={list}>
        {(all) => all.length === 0 ? <Empty icon="paper" text={t.none} hint={t.noneHint} /> : [...all]
          .sort((a, b) => ORDER.indexOf(a.state) - ORDER.indexOf(b.state))
          .map((consent) => (
            <Card
              consent={consent} key={consent.id}
              onAct={(name) => {
                setAsking({ consent, act: name })
              }}
            />
          ))}
      </Loaded>
      <Confirm
        open={Boolean(chosen)} title={chosen?.title ?? ''} text={chosen?.ask ?? ''} action={chosen?.title ?? ''}
        danger={chosen?.danger ?? false} busy={acting.busy} error={acting.error} onConfirm={act} onClose={close} testId="consent-confirm"
      />
    </>
  )
}

function Consents() {
  const patients = usePatients()
  const { chosen, choose } = usePatientChoice(patients.data)
  return (
    <Loaded of={patients}>
      {(all) => (
        <>
          {all.length > 1 ? <PatientPicker patients={all} chosen={chosen?.id} onChoose={choose} label={t.whose} /> : null}
          <Text className="consents__note">{t.lead}</Text>
          {chosen ? <ConsentsOf patient={chosen} key={chosen.id} /> : null}
        </>
      )}
    </Loaded>
  )
}

export default function ConsentsPage() {
  return (
    <Page title={pageTitles.consents}>
      <Guard realName>{() => <Consents />}</Guard>
    </Page>
  )
}
