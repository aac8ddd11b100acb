// What has become of an appointment, in one word and one sentence.
import { Text, View } from '@tarojs/components'
import { Icon, type IconName } from '../../../components/icon'
import { useCountdown } from '../../../hooks/useCountdown'
import type { Appointment } from '../../../services/types'
import { appointments as t, paymentStateNotes } from '../../../texts'
import { isHoldOver, moneyState, stateTag } from '../../../utils/appointment'
import { formatCountdown } from '../../../utils/time'

function noteOf(appointment: Appointment, left: string): string {
  const { state, payment } = appointment
  const money = paymentStateNotes[moneyState(appointment)] ?? ''
  if (isHoldOver(appointment)) return t.expired
  if (state === 'held' && payment.state === 'none') return t.heldConfirm(left)
  if (state === 'held') return money || (payment.state === 'paying' ? t.heldPaying(left) : t.heldDue(left))
  if (state === 'booked') return t.booked
  if (state === 'stopped') return `${t.stopped}${money}`
  if (state === 'expired') return `${t.expired}${money}`
  if (state === 'released') return t.released
  return money
}

const ICONS: Record<string, IconName> = { good: 'done', wait: 'clock', bad: 'alert', calm: 'info', info: 'info' }

export function StateBanner({ appointment }: { appointment: Appointment }) {
  const left = useCountdown(appointment.hold_until)
  const { text, tone } = stateTag(appointment)
  const note = noteOf(appointment, formatCountdown(left))
  return (
    <View className={`banner banner--${tone}`} role="status">
      <View className="banner__icon"><Icon name={ICONS[tone] ?? 'info'} size={30} /></View>
      <View className="banner__words">
        <Text className="banner__text" data-testid="appointment-state">{text}</Text>
        {note ? <Text className="banner__note">{note}</Text> : null}
      </View>
    </View>
  )
}
