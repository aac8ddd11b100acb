// Cancelling: a reason, a last look, and what happens to the money.
import { Text, View } from '@tarojs/components'
import { useEffect, useState } from 'react'
import { Button } from '../../../components/button'
import { Press } from '../../../components/press'
import { Sheet } from '../../../components/sheet'
import { FormError } from '../../../components/states'
import { useSubmit } from '../../../hooks/useSubmit'
import { cancelAppointment } from '../../../services/appointments'
import type { Appointment } from '../../../services/types'
import { appointments as t, common } from '../../../texts'
import { toast } from '../../../utils/platform'
import { askSubscriptions, prepareSubscriptions } from '../../../utils/subscribe'

interface CancelSheetProps {
  open: boolean
  appointment: Appointment
  onClose: () => void
  onCancelled: (appointment: Appointment) => void
}

export function CancelSheet({ open, appointment, onClose, onCancelled }: CancelSheetProps) {
  const [reason, setReason] = useState(t.cancelReasons[0] ?? '')
  const cancelling = useSubmit()
  useEffect(() => {
    if (open) void prepareSubscriptions()
  }, [open])
  const cancel = (): void => {
    void cancelling.run(async () => {
      await askSubscriptions('cancelling')
      onCancelled(await cancelAppointment(appointment.id, reason))
      toast(t.cancelled)
      onClose()
    })
  }
  return (
    <Sheet open={open} title={t.cancelAsk} onClose={onClose}>
      <View className="reasons" role="radiogroup" aria-label={t.cancelAsk}>
        {t.cancelReasons.map((one) => (
          <Press
            key={one} role="radio" selected={one === reason} className={`reason ${one === reason ? 'reason--on' : ''}`} testId="cancel-reason"
            onPress={() => {
              setReason(one)
            }}
          >
            <View className="reason__dot" />
            <Text className="reason__text">{one}</Text>
          </Press>
        ))}
      </View>
      {appointment.payment.state === 'paid' ? <Text className="sheet__text">{t.cancelRefund}</Text> : null}
      <FormError error={cancelling.error} />
      <Button kind="danger" text={t.cancelConfirm} busy={cancelling.busy} onPress={cancel} testId="cancel-confirm" />
      <Button kind="link" className="sheet__keep" text={common.keep} onPress={onClose} testId="cancel-keep" />
    </Sheet>
  )
}
