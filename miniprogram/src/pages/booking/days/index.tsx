// A department's week: choose the day, then the doctor.
import { Text, View } from '@tarojs/components'
import { useRouter } from '@tarojs/taro'
import { useMemo, useState } from 'react'
import { Page } from '../../../components/page'
import { Empty, Loaded } from '../../../components/states'
import { useLoad } from '../../../hooks/useLoad'
import { fetchConfig } from '../../../services/config'
import { fetchAvailability, fetchDepartment } from '../../../services/directory'
import type { AvailableDay, Period, Session } from '../../../services/types'
import { booking as t, pageTitles, periodNames } from '../../../texts'
import { addDays, cityDate, formatDay } from '../../../utils/time'
import { DoctorSheet } from './doctorSheet'
import { SessionCard } from './sessionCard'
import { WeekStrip } from './weekStrip'
import './index.scss'

const WEEK = 7
const PERIODS: Period[] = ['am', 'pm', 'evening', 'night', 'day']

/** The day to show first: the first with a free number, else the first of the week. */
function firstUseful(days: AvailableDay[]): string | undefined {
  return (days.find((day) => day.free > 0) ?? days.find((day) => day.sessions.length > 0) ?? days[0])?.on
}

interface DayProps {
  day: AvailableDay
  /** A doctor someone searched for comes first. */
  doctorId: string | undefined
  onDoctor: (practitionerId: string) => void
}

function Day({ day, doctorId, onDoctor }: DayProps) {
  if (day.sessions.length === 0) return <Empty icon="calendar" text={t.noSessions} hint={t.noSessionsHint} />
  const wantedFirst = (a: Session, b: Session): number =>
    Number(b.practitioner?.id === doctorId) - Number(a.practitioner?.id === doctorId)
  return (
    <>
      {PERIODS.map((period) => {
        const sessions = day.sessions.filter((session) => session.period === period).sort(doctorId ? wantedFirst : () => 0)
        if (sessions.length === 0) return null
        return (
          <View className="period" key={period}>
            <Text className="period__title">{`${formatDay(day.on)} ${periodNames[period]}`}</Text>
            {sessions.map((session) => <SessionCard session={session} onDoctor={onDoctor} key={session.schedule_id} />)}
          </View>
        )
      })}
    </>
  )
}

export default function DaysPage() {
  const { params } = useRouter<{ department_id: string; practitioner_id?: string }>()
  const { department_id: departmentId, practitioner_id: doctorId } = params
  const [week, setWeek] = useState(0)
  const [chosen, setChosen] = useState<string>()
  const [doctor, setDoctor] = useState<string>()
  const from = useMemo(() => addDays(cityDate(), week * WEEK), [week])
  const department = useLoad(departmentId, () => fetchDepartment(departmentId))
  const config = useLoad('config', fetchConfig)
  const lastWeek = Math.floor((config.data?.booking_days ?? WEEK) / WEEK)
  const availability = useLoad(`${departmentId}:${from}`, () => fetchAvailability(departmentId, from, WEEK), true)
  const turn = (to: number): void => {
    setWeek(to)
    setChosen(undefined)
  }
  const days = availability.data?.days
  const on = chosen ?? (days ? firstUseful(days) : undefined)
  return (
    <Page title={department.data?.name ?? pageTitles.days}>
      <WeekStrip from={from} days={days} chosen={on} week={week} lastWeek={lastWeek} onChoose={setChosen} onWeek={turn} />
      <Loaded of={availability}>
        {(data) => {
          const day = data.days.find((one) => one.on === on) ?? { on: on ?? from, free: 0, sessions: [] }
          return <Day day={day} doctorId={doctorId} onDoctor={setDoctor} />
        }}
      </Loaded>
      <DoctorSheet
        doctorId={doctor}
        onClose={() => {
          setDoctor(undefined)
        }}
      />
    </Page>
  )
}
