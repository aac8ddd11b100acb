// Sharing a report: for how long, with a passcode or without, and then a code to be scanned once.
import { Text, View } from '@tarojs/components'
import Taro from '@tarojs/taro'
import { useState } from 'react'
import { Button } from '../../../components/button'
import { Field } from '../../../components/field'
import { QR } from '../../../components/qr'
import { Sheet } from '../../../components/sheet'
import { FormError } from '../../../components/states'
import { Tabs } from '../../../components/tabs'
import { useSubmit } from '../../../hooks/useSubmit'
import { type SharedLink, shareReport, stopShare } from '../../../services/reports'
import { share as t } from '../../../texts/reports'
import { toast } from '../../../utils/platform'
import { formatInstant } from '../../../utils/time'

const HOURS = [1, 24, 168]

function Ready({ link, onStopped }: { link: SharedLink; onStopped: () => void }) {
  const stopping = useSubmit()
  const copy = (): void => {
    void Taro.setClipboardData({ data: link.uri }).then(() => {
      toast(t.copied)
    }).catch(() => undefined)
  }
  const stop = (): void => {
    void stopping.run(async () => {
      await stopShare(link.id)
      toast(t.stopped)
      onStopped()
    })
  }
  return (
    <View className="share__code" data-testid="share-code">
      <QR text={link.uri} label={t.qr} />
      <Text className="share__note">{t.until(formatInstant(link.expires_at))}</Text>
      <Text className="share__note">{t.once}</Text>
      <FormError error={stopping.error} />
      <Button kind="plain" text={t.copy} onPress={copy} testId="share-copy" />
      <Button kind="danger" text={t.stop} busy={stopping.busy} onPress={stop} testId="share-stop" />
    </View>
  )
}

interface ShareSheetProps {
  reportId: string
  sensitive: boolean
  open: boolean
  onClose: () => void
}

export function ShareSheet({ reportId, sensitive, open, onClose }: ShareSheetProps) {
  const [hours, setHours] = useState(String(HOURS[1]))
  const [passcode, setPasscode] = useState('')
  const [wrong, setWrong] = useState<string>()
  const [link, setLink] = useState<SharedLink>()
  const making = useSubmit()
  const close = (): void => {
    setLink(undefined)
    setPasscode('')
    onClose()
  }
  const make = (): void => {
    const bad = passcode !== '' && !/^\d{4,8}$/.test(passcode)
    setWrong(bad ? t.passcodeWrong : undefined)
    if (bad) return
    void making.run(async () => {
      setLink(await shareReport(reportId, { hours: Number(hours), open: sensitive, ...(passcode ? { passcode } : {}) }))
    })
  }
  return (
    <Sheet open={open} title={link ? t.ready : t.title} onClose={close}>
      {link ? <Ready link={link} onStopped={close} /> : (
        <View className="report">
          <Text className="share__note">{t.lead}</Text>
          <Tabs tabs={HOURS.map((one) => ({ key: String(one), text: t.hours(one) }))} chosen={hours} onChoose={setHours} />
          <Field
            label={t.passcode} value={passcode} keyboard="digits" maxLength={8} placeholder={t.passcodePlaceholder} hint={t.passcodeHint} error={wrong}
            onChange={setPasscode} testId="share-passcode"
          />
          <FormError error={making.error} />
          <Button text={t.make} busy={making.busy} onPress={make} testId="share-make" />
        </View>
      )}
    </Sheet>
  )
}
