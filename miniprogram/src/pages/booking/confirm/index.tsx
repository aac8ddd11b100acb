// The last look before booking: the number is kept, the patient chosen, the fee known.
import { Text, View } from '@tarojs/components'
import { useRouter } from '@tarojs/taro'
import { useEffect, useState } from 'react'
import { Button } from '../../../components/button'
import { type Fact, Facts } from '../../../components/facts'
import { Guard } from '../../../components/guard'
import { Icon } from '../../../components/icon'
import { Money } from '../../../components/money'
import { Bottom, Page } from '../../../components/page'
import { PatientPicker } from '../../../components/patientPicker'
import { FormError, Loaded, Loading } from '../../../components/states'
import { useCountdown } from '../../../hooks/useCountdown'
import { type Hold, useHold } from '../../../hooks/useHold'
import { useLoad } from '../../../hooks/useLoad'
import { usePatients } from '../../../hooks/usePatients'
import { useSubmit } from '../../../hooks/useSubmit'
import { bookAppointment } from '../../../services/appointments'
import { fetchSchedule } from '../../../services/directory'
import type { Patient, Schedule } from '../../../services/types'
import { booking, confirm as t, pageTitles, periodNames } from '../../../texts'
import { go, goBack, replace, routes } from '../../../utils/navigate'
import { askSubscriptions, prepareSubscriptions } from '../../../utils/subscribe'
import { formatCountdown, formatDay, formatTimes, formatVisitDay } from '../../../utils/time'
import './index.scss'

function factsOf(schedule: Schedule, number: number): Fact[] {
  const slot = schedule.slots.find((one) => one.number === number)
  const { practitioner, department, organization } = schedule
  return [
    [t.time, slot
      ? `${formatVisitDay(slot.start_at)} ${formatTimes(slot.start_at, slot.end_at)}`
      : `${formatDay(schedule.on)} ${periodNames[schedule.period]}`],
    [t.number, booking.number(number)],
    [t.hospital, organization.name],
    [t.department, department.name],
    [t.doctor, practitioner ? [practitioner.name, practitioner.title].filter(Boolean).join(' ') : booking.noDoctor],
    [t.place, department.place],
    [t.fee, <Money fen={schedule.fee_fen} key="fee" />],
  ]
}

function Keeping({ hold: { hold, busy, error }, left }: { hold: Hold; left: number }) {
  if (busy) return <View className="keeping"><Text>{t.holding}</Text></View>
  if (error) return <FormError error={error} />
  if (!hold) return null
  const over = left === 0
  return (
    <View className={`keeping ${over ? 'keeping--over' : ''}`} role="timer" data-testid="hold-left">
      <View className="keeping__icon"><Icon name={over ? 'alert' : 'clock'} size={22} /></View>
      <View className="keeping__words">
        <Text className="keeping__part">{over ? t.lost : `${t.keeping}，`}</Text>
        {over ? null : <Text className="keeping__part">{t.keepLeft(formatCountdown(left))}</Text>}
      </View>
    </View>
  )
}

interface ChooserProps {
  patients: Patient[]
  chosen: string | undefined
  onChoose: (patient: Patient) => void
}

function Chooser({ patients, chosen, onChoose }: ChooserProps) {
  const add = (): void => {
    go(routes.patientAdd())
  }
  return (
    <View className="confirm__card">
      <Text className="confirm__title">{t.who}</Text>
      <PatientPicker patients={patients} chosen={chosen} onChoose={onChoose} label={t.who} />
      {patients.some((patient) => patient.state === 'pending') ? <Text className="confirm__note">{t.pendingNote}</Text> : null}
      <Button kind="link" small className="confirm__add" text={`+ ${t.addPatient}`} onPress={add} testId="confirm-add-patient" />
    </View>
  )
}

function Form({ schedule, number, patients }: { schedule: Schedule; number: number; patients: Patient[] }) {
  const [chosen, setChosen] = useState(() => patients.find((patient) => patient.state === 'active')?.id)
  const holding = useHold(schedule.id, number, chosen)
  const { hold, error, keep } = holding
  const left = useCountdown(hold?.hold_until)
  const submitting = useSubmit()
  const gone = Boolean(error) || (hold !== undefined && left === 0)

  useEffect(() => {
    void prepareSubscriptions()
  }, [])
  const submit = (): void => {
    void submitting.run(async () => {
      if (!hold) return
      await askSubscriptions('booking')
      const booked = await bookAppointment(hold.id)
      keep()
      replace(booked.state === 'booked' ? routes.appointment(booked.id) : routes.pay(booked.id))
    })
  }
  const choose = (patient: Patient): void => {
    submitting.clear()
    setChosen(patient.id)
  }
  return (
    <>
      <Keeping hold={holding} left={left} />
      <View className="confirm__card"><Facts facts={factsOf(schedule, number)} /></View>
      <Chooser patients={patients} chosen={chosen} onChoose={choose} />
      <Text className="confirm__note">{t.note}</Text>
      <Bottom>
        <FormError error={submitting.error} />
        {gone
          ? <Button kind="plain" text={t.again} onPress={goBack} testId="confirm-again" />
          : (
            <Button
              text={schedule.fee_fen > 0 ? t.submitAndPay : t.submit} busy={submitting.busy} disabled={!hold}
              onPress={submit} testId="confirm-submit"
            />
          )}
      </Bottom>
    </>
  )
}

function Confirming({ scheduleId, number }: { scheduleId: string; number: number }) {
  const schedule = useLoad(scheduleId, () => fetchSchedule(scheduleId))
  const patients = usePatients()
  return (
    <Loaded of={schedule}>
      {(one) => patients.data
        ? <Form schedule={one} number={number} patients={patients.data} />
        : <Loaded of={patients}>{() => <Loading />}</Loaded>}
    </Loaded>
  )
}

export default function ConfirmPage() {
  const { params } = useRouter<{ schedule_id: string; number: string }>()
  return (
    <Page title={pageTitles.confirm}>
      <Guard realName>{() => <Confirming scheduleId={params.schedule_id} number={Number(params.number)} />}</Guard>
    </Page>
  )
}
