// Paying the registration fee before the kept number goes back.
import { Text, View } from '@tarojs/components'
import { useRouter } from '@tarojs/taro'
import { useEffect, useRef } from 'react'
import { Button } from '../../../components/button'
import { Facts } from '../../../components/facts'
import { Guard } from '../../../components/guard'
import { Money } from '../../../components/money'
import { Bottom, Page } from '../../../components/page'
import { QR } from '../../../components/qr'
import { Empty, FormError, Loaded } from '../../../components/states'
import { useCountdown } from '../../../hooks/useCountdown'
import { useLoad } from '../../../hooks/useLoad'
import { isSettled, type Payment, usePayment } from '../../../hooks/usePayment'
import { fetchAppointment } from '../../../services/appointments'
import type { Appointment } from '../../../services/types'
import { appointments, pageTitles, pay as t } from '../../../texts'
import { replace, routes } from '../../../utils/navigate'
import { isWeapp, isWechatBrowser, toast } from '../../../utils/platform'
import { askSubscriptions, prepareSubscriptions } from '../../../utils/subscribe'
import { formatCountdown, formatTimes, formatVisitDay } from '../../../utils/time'
import './index.scss'

const WATCH_MS = 4000

function Native({ codeUrl }: { codeUrl: string }) {
  return (
    <View className="pay__native">
      <Text className="pay__native-title">{t.native}</Text>
      <QR text={codeUrl} label={t.alt} size="small" testId="pay-native-qr" data={{ 'data-code-url': codeUrl }} />
      <Text className="pay__hint">{t.nativeHint}</Text>
    </View>
  )
}

function Actions({ payment, appointment }: { payment: Payment; appointment: Appointment }) {
  const { order, starting, checking, note } = payment
  const begins = isWeapp || isWechatBrowser() || !order
  const later = (): void => {
    replace(routes.appointment(appointment.id))
  }
  const begin = (): void => {
    void askSubscriptions('paying').finally(payment.start)
  }
  useEffect(() => {
    void prepareSubscriptions()
  }, [])
  const done = (kind: 'plain' | 'strong') => (
    <Button kind={kind} text={checking.busy ? t.checking : t.done} busy={checking.busy} onPress={payment.check} testId="pay-done" />
  )
  return (
    <>
      {note ? <View className="pay__note" role="status" data-testid="pay-note">{note}</View> : null}
      <FormError error={starting.error ?? checking.error} />
      {order && begins ? done('plain') : null}
      <Button kind="link" className="pay__later" text={t.later} onPress={later} testId="pay-later" />
      <Bottom>
        {begins
          ? <Button text={order ? t.retry : t.wechat} busy={starting.busy} onPress={begin} testId="pay-start" />
          : done('strong')}
      </Bottom>
    </>
  )
}

/** Someone who pays with another phone sees this page go on by itself. */
function useWatch(appointmentId: string, watching: boolean, onSettled: (appointment: Appointment) => void): void {
  const settled = useRef(onSettled)
  settled.current = onSettled
  useEffect(() => {
    if (!watching) return undefined
    const timer = setInterval(() => {
      fetchAppointment(appointmentId)
        .then((latest) => {
          if (isSettled(latest)) settled.current(latest)
        })
        .catch(() => undefined)
    }, WATCH_MS)
    return () => {
      clearInterval(timer)
    }
  }, [appointmentId, watching])
}

function Paying({ appointment, onSettled }: { appointment: Appointment; onSettled: (appointment: Appointment) => void }) {
  const settled = (latest: Appointment): void => {
    if (latest.state === 'booked') toast(t.success)
    replace(routes.appointment(latest.id))
  }
  const payment = usePayment(appointment.id, settled)
  const left = useCountdown(appointment.hold_until)
  const { start } = payment
  const { practitioner, department, organization, patient } = appointment

  useWatch(appointment.id, Boolean(payment.order?.code_url) && !payment.checking.busy, onSettled)
  // A plain browser has nothing to decide: its code is shown at once.
  useEffect(() => {
    if (!isWeapp && !isWechatBrowser()) start()
  }, [start])
  return (
    <>
      <View className="pay__card">
        <Text className="pay__label">{t.amount}</Text>
        <Money fen={appointment.payment.amount_fen || appointment.fee_fen} size="big" exact />
        <View className="pay__left" role="timer">{left > 0 ? t.left(formatCountdown(left)) : t.expired}</View>
      </View>
      {payment.order?.code_url ? <Native codeUrl={payment.order.code_url} /> : null}
      <View className="pay__card pay__card--facts">
        <Facts facts={[
          [appointments.patient, patient.name],
          [appointments.time, `${formatVisitDay(appointment.start_at)} ${formatTimes(appointment.start_at, appointment.end_at)}`],
          [appointments.department, [organization.name, department.name].join(' · ')],
          [appointments.doctor, practitioner?.name],
        ]} />
      </View>
      <Actions payment={payment} appointment={appointment} />
    </>
  )
}

function PayFor({ appointmentId }: { appointmentId: string }) {
  const appointment = useLoad(appointmentId, () => fetchAppointment(appointmentId))
  const see = (): void => {
    replace(routes.appointment(appointmentId))
  }
  return (
    <Loaded of={appointment}>
      {(one) => isSettled(one)
        ? <Empty icon={one.state === 'booked' ? 'done' : 'alert'} text={one.state === 'booked' ? t.success : t.expired} action={<Button text={t.see} onPress={see} testId="pay-done" />} />
        : <Paying appointment={one} onSettled={appointment.put} />}
    </Loaded>
  )
}

export default function PayPage() {
  const { params } = useRouter<{ appointment_id: string }>()
  return (
    <Page title={pageTitles.pay}>
      <Guard>{() => <PayFor appointmentId={params.appointment_id} />}</Guard>
    </Page>
  )
}
