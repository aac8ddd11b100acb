// One appointment in a list: when, where, who, and what is left to do.
import { Text, View } from '@tarojs/components'
import type { Appointment } from '../../services/types'
import { appointments as t, periodNames } from '../../texts'
import { isPaymentDue, stateTag } from '../../utils/appointment'
import { go, routes } from '../../utils/navigate'
import { formatTime, formatVisitDay } from '../../utils/time'
import { Money } from '../money'
import { Press } from '../press'
import { Tag } from '../tag'
import './index.scss'

export function AppointmentCard({ appointment, testId = 'appointment-item' }: { appointment: Appointment; testId?: string }) {
  const { practitioner, department, organization, patient } = appointment
  const open = (): void => {
    go(isPaymentDue(appointment) ? routes.pay(appointment.id) : routes.appointment(appointment.id))
  }
  return (
    <Press className="visit" onPress={open} testId={testId}>
      <View className="visit__top">
        <Text className="visit__when">{`${formatVisitDay(appointment.start_at)} ${formatTime(appointment.start_at)}`}</Text>
        <Tag {...stateTag(appointment)} />
      </View>
      <Text className="visit__what">
        {[department.name, practitioner?.name].filter(Boolean).join(' · ')}
      </Text>
      <Text className="visit__where">{organization.name}</Text>
      <View className="visit__bottom">
        <Text className="visit__who">{[patient.name, `${periodNames[appointment.period]} ${t.number(appointment.number)}`].filter(Boolean).join(' · ')}</Text>
        {isPaymentDue(appointment) ? (
          <Text className="visit__pay">{t.payNow} <Money fen={appointment.fee_fen} /></Text>
        ) : null}
      </View>
    </Press>
  )
}
