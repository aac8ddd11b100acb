// My appointments: those to come, and those behind.
import { useState } from 'react'
import { AppointmentCard } from '../../../components/appointmentCard'
import { Button } from '../../../components/button'
import { Guard } from '../../../components/guard'
import { Page } from '../../../components/page'
import { Empty, LoadedList } from '../../../components/states'
import { Tabs } from '../../../components/tabs'
import { usePages } from '../../../hooks/usePages'
import { type AppointmentTab, listAppointments } from '../../../services/appointments'
import { appointments as t, pageTitles } from '../../../texts'
import { go, tabs } from '../../../utils/navigate'

const TABS: { key: AppointmentTab; text: string }[] = [
  { key: 'upcoming', text: t.upcoming },
  { key: 'past', text: t.past },
]

function Nothing({ tab }: { tab: AppointmentTab }) {
  if (tab === 'past') return <Empty icon="calendar" text={t.emptyPast} />
  const book = (): void => {
    go(tabs.booking)
  }
  return <Empty icon="calendar" text={t.empty} hint={t.emptyHint} action={<Button text={t.book} onPress={book} testId="appointments-book" />} />
}

function Appointments() {
  const [tab, setTab] = useState<AppointmentTab>('upcoming')
  const list = usePages(tab, (cursor) => listAppointments(tab, cursor))
  return (
    <>
      <Tabs tabs={TABS} chosen={tab} onChoose={setTab} />
      <LoadedList of={list} empty={<Nothing tab={tab} />}>
        {(items) => items.map((one) => <AppointmentCard appointment={one} key={one.id} />)}
      </LoadedList>
    </>
  )
}

export default function AppointmentsPage() {
  return (
    <Page title={pageTitles.appointments}>
      <Guard>{() => <Appointments />}</Guard>
    </Page>
  )
}
