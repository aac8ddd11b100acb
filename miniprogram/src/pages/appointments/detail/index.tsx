// One appointment: where to be and when, what was paid, and how to give it up.
import { Text, View } from '@tarojs/components'
import Taro, { useRouter } from '@tarojs/taro'
import { useEffect, useState } from 'react'
import { Button } from '../../../components/button'
import { Facts } from '../../../components/facts'
import { Guard } from '../../../components/guard'
import { Money } from '../../../components/money'
import { Bottom, Page } from '../../../components/page'
import { FormError, Loaded } from '../../../components/states'
import { useCountdown } from '../../../hooks/useCountdown'
import { type Load, useLoad } from '../../../hooks/useLoad'
import { useSubmit } from '../../../hooks/useSubmit'
import { bookAppointment, fetchAppointment, fetchQueue, releaseHold } from '../../../services/appointments'
import type { Appointment } from '../../../services/types'
import { appointments as t, confirm, pageTitles, paymentStateNames } from '../../../texts'
import { isConfirmDue, isForToday, isPaymentDue, moneyState, queueText } from '../../../utils/appointment'
import { go, replace, routes, tabs } from '../../../utils/navigate'
import { toast } from '../../../utils/platform'
import { formatInstant, formatTimes, formatVisitDay } from '../../../utils/time'
import { CancelSheet } from './cancelSheet'
import { StateBanner } from './stateBanner'
import './index.scss'

/** While money is on its way, the page looks again by itself. */
const WATCH_MS = 5000
/** On the day, the queue moves by minutes. */
const QUEUE_MS = 30_000

function useQueue(appointment: Appointment): string | null {
  const today = isForToday(appointment)
  const { data, reload } = useLoad(today ? appointment.id : null, () => fetchQueue(appointment.id), true)
  useEffect(() => {
    if (!today) return undefined
    const timer = setInterval(reload, QUEUE_MS)
    return () => {
      clearInterval(timer)
    }
  }, [today, reload])
  return queueText(data)
}

function Details({ appointment }: { appointment: Appointment }) {
  const queue = useQueue(appointment)
  const { organization, department, practitioner, patient } = appointment
  const money = moneyState(appointment)
  const ended = ['cancelled', 'stopped'].includes(appointment.state)
  return (
    <View className="detail__card">
      <View className="detail__when">
        <Text>{`${formatVisitDay(appointment.start_at)} `}</Text>
        <Text className="detail__times">{formatTimes(appointment.start_at, appointment.end_at)}</Text>
      </View>
      <Facts facts={[
        [t.order, t.number(appointment.number)],
        [t.queue, queue],
        [t.patient, patient.name],
        [t.hospital, organization.name],
        [t.address, organization.address],
        [t.department, department.name],
        [t.place, department.place],
        [t.doctor, practitioner ? [practitioner.name, practitioner.title].filter(Boolean).join(' ') : null],
        [t.fee, <Money fen={appointment.fee_fen} key="fee" />],
        [t.payment, ['none', 'closed'].includes(money) ? null : paymentStateNames[money]],
        [t.cancelledAt, ended && appointment.cancelled_at ? formatInstant(appointment.cancelled_at) : null],
        [t.reason, appointment.cancel_reason],
        [t.missedAt, appointment.missed_at ? formatInstant(appointment.missed_at) : null],
        [t.bookedAt, formatInstant(appointment.created_at)],
        [t.id, <Text className="detail__id" key="id">{appointment.id}</Text>],
      ]} />
    </View>
  )
}

function HeldActions({ appointment, onChange }: { appointment: Appointment; onChange: (appointment: Appointment) => void }) {
  const submitting = useSubmit()
  const releasing = useSubmit()
  const payNow = (): void => {
    go(routes.pay(appointment.id))
  }
  const confirmNow = (): void => {
    void submitting.run(async () => {
      onChange(await bookAppointment(appointment.id))
    })
  }
  const release = (): void => {
    void releasing.run(async () => {
      await releaseHold(appointment.id)
      toast(t.released2)
      replace(tabs.home)
    })
  }
  return (
    <>
      <Button kind="link" className="detail__wide" text={t.release} busy={releasing.busy} onPress={release} testId="release-button" />
      <Bottom>
        <FormError error={submitting.error ?? releasing.error} />
        {isPaymentDue(appointment)
          ? <Button text={t.payNow} onPress={payNow} testId="pay-now" />
          : <Button text={confirm.submit} busy={submitting.busy} onPress={confirmNow} testId="confirm-now" />}
      </Bottom>
    </>
  )
}

function Cancelling({ appointment, onPress }: { appointment: Appointment; onPress: () => void }) {
  const { can_cancel: possible, cancel_by: until } = appointment
  return (
    <>
      {possible ? <Button kind="danger" text={t.cancel} onPress={onPress} testId="cancel-button" /> : null}
      <Text className="detail__note">{possible ? (until && t.cancelBy(formatInstant(until))) : t.cannotCancel}</Text>
    </>
  )
}

function Actions({ of, appointment }: { of: Load<Appointment>; appointment: Appointment }) {
  const [leaving, setLeaving] = useState(false)
  const showCode = (): void => {
    go(tabs.code)
  }
  const again = (): void => {
    go(routes.days(appointment.department.id))
  }
  const openCancel = (): void => {
    setLeaving(true)
  }
  const closeCancel = (): void => {
    setLeaving(false)
  }
  const cancelled = (latest: Appointment): void => {
    of.put(latest)
    void Taro.pageScrollTo({ scrollTop: 0, duration: 200 })
  }
  const held = isPaymentDue(appointment) || isConfirmDue(appointment)
  return (
    <>
      {held ? <HeldActions appointment={appointment} onChange={of.put} /> : null}
      {appointment.state === 'booked' ? <Cancelling appointment={appointment} onPress={openCancel} /> : null}
      {appointment.state === 'booked' ? <Bottom><Button text={t.showCode} onPress={showCode} testId="detail-code" /></Bottom> : null}
      {!held && appointment.state !== 'booked' ? <Button text={t.bookAgain} onPress={again} testId="book-again" /> : null}
      <CancelSheet open={leaving} appointment={appointment} onClose={closeCancel} onCancelled={cancelled} />
    </>
  )
}

function isMoving(appointment: Appointment | undefined): boolean {
  if (!appointment) return false
  return appointment.payment.state === 'paying' || moneyState(appointment) === 'refunding'
}

function Detail({ appointmentId }: { appointmentId: string }) {
  const load = useLoad(appointmentId, () => fetchAppointment(appointmentId), true)
  const moving = isMoving(load.data)
  const { reload } = load
  useCountdown(load.data?.hold_until)
  useEffect(() => {
    if (!moving) return undefined
    const timer = setInterval(reload, WATCH_MS)
    return () => {
      clearInterval(timer)
    }
  }, [moving, reload])
  return (
    <Loaded of={load}>
      {(appointment) => (
        <View className="detail" data-testid="appointment-detail" data-state={appointment.state} data-payment-state={moneyState(appointment)}>
          <StateBanner appointment={appointment} />
          <Details appointment={appointment} />
          <Actions of={load} appointment={appointment} />
        </View>
      )}
    </Loaded>
  )
}

export default function AppointmentPage() {
  const { params } = useRouter<{ appointment_id: string }>()
  return (
    <Page title={pageTitles.appointment}>
      <Guard>{() => <Detail appointmentId={params.appointment_id} />}</Guard>
    </Page>
  )
}
