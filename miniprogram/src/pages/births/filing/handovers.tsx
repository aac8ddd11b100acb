// From "done" to the card in her hands: where each paper is, the code for the counter, and one tap when it has come.
import { Text, View } from '@tarojs/components'
import Taro from '@tarojs/taro'
import { useState } from 'react'
import { Button } from '../../../components/button'
import { Choice } from '../../../components/choice'
import { Facts } from '../../../components/facts'
import { QR } from '../../../components/qr'
import { Confirm } from '../../../components/sheet'
import { FormError } from '../../../components/states'
import { Tag } from '../../../components/tag'
import type { Load } from '../../../hooks/useLoad'
import { useSubmit } from '../../../hooks/useSubmit'
import { confirmReceived, type Filing, type Handover, reportMissing } from '../../../services/births'
import { filing as t } from '../../../texts/births'
import { HANDOVER_TONES, handoverFacts, handoverState, handoverWords, mayConfirm, mayMiss } from '../../../utils/births'
import { toast } from '../../../utils/platform'
import { Card } from '../parts'

interface OneProps {
  filing: Filing
  code: string
  handover: Handover
  load: Load<Filing>
}

function Code({ handover }: { handover: Handover }) {
  const [open, setOpen] = useState(false)
  if (!open) return <Button small kind="plain" text={t.showCode} testId="pickup-show" onPress={() => { setOpen(true) }} />
  return (
    <>
      <QR text={handover.pickup} label={t.codeLabel(handover.what)} testId="pickup-qr" />
      <Text className="birth__note">{t.codeHint}</Text>
    </>
  )
}

function Parcel({ handover }: { handover: Handover }) {
  const copy = (): void => {
    void Taro.setClipboardData({ data: handover.tracking_no }).then(() => {
      toast(t.copied)
    })
  }
  return <Button small kind="link" text={t.copyNumber} testId="parcel-copy" onPress={copy} />
}

function Missing({ filing, code, load }: OneProps) {
  const [open, setOpen] = useState(false)
  const [reason, setReason] = useState<string>()
  const sending = useSubmit()
  const send = (): void => {
    void sending.run(async () => {
      load.put(await reportMissing(filing.id, code, reason ?? t.notReceivedReasons[0] ?? ''))
      setOpen(false)
      toast(t.notReceivedToast)
    })
  }
  return (
    <>
      <Button small kind="link" text={t.notReceived} testId={`missing-${code}`} onPress={() => { setOpen(true) }} />
      <Confirm
        open={open} title={t.notReceived} text={t.notReceivedAsk} action={t.notReceived} busy={sending.busy} error={sending.error}
        onConfirm={send} onClose={() => { setOpen(false); sending.clear() }} testId={`missing-${code}-confirm`}
      >
        <Choice
          label={t.notReceivedReason} testId={`missing-${code}-reason`} chosen={reason} onChoose={setReason}
          options={t.notReceivedReasons.map((text) => ({ key: text, text }))}
        />
      </Confirm>
    </>
  )
}

function One(props: OneProps) {
  const { filing, code, handover, load } = props
  const sending = useSubmit()
  const receive = (): void => {
    void sending.run(async () => {
      load.put(await confirmReceived(filing.id, code))
      toast(t.receivedToast)
    })
  }
  const words = handoverWords(handover, filing.answers.delivery.address)
  return (
    <View className="handover" data-testid={`handover-${code}`} data-state={handover.state}>
      <View className="paper__top">
        <Text className="paper__name">{handover.what}</Text>
        <Tag text={handoverState(handover)} tone={HANDOVER_TONES[handover.state]} />
      </View>
      {words ? <Text className="paper__state">{words}</Text> : null}
      <Facts facts={handoverFacts(handover)} />
      {handover.state === 'posted' ? <Parcel handover={handover} /> : null}
      {handover.state === 'ready' ? <Code handover={handover} /> : null}
      <FormError error={sending.error} />
      {mayConfirm(handover) ? <Button small text={t.received} busy={sending.busy} onPress={receive} testId={`received-${code}`} /> : null}
      {mayMiss(handover) ? <Missing {...props} /> : null}
    </View>
  )
}

export function Handovers({ filing, load }: { filing: Filing; load: Load<Filing> }) {
  const handed = filing.steps.flatMap(({ code, handover }) => (handover ? [{ code, handover }] : []))
  if (handed.length === 0) return null
  return (
    <Card title={t.handed}>
      {handed.map(({ code, handover }) => <One key={code} filing={filing} code={code} handover={handover} load={load} />)}
    </Card>
  )
}
