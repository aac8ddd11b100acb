// Reports of all hospitals, of oneself and of whom one acts for.
import { Text, View } from '@tarojs/components'
import { useRouter } from '@tarojs/taro'
import { useEffect, useState } from 'react'
import { Guard } from '../../../components/guard'
import { Page } from '../../../components/page'
import { PatientPicker } from '../../../components/patientPicker'
import { Press } from '../../../components/press'
import { Empty, Loaded, LoadedList } from '../../../components/states'
import { Tabs } from '../../../components/tabs'
import { Tag } from '../../../components/tag'
import { usePages } from '../../../hooks/usePages'
import { usePatientChoice } from '../../../hooks/usePatientChoice'
import { usePatients } from '../../../hooks/usePatients'
import { listReports, type ReportLine } from '../../../services/reports'
import type { Patient } from '../../../services/types'
import { pageTitles } from '../../../texts'
import { reports as t } from '../../../texts/reports'
import { go, routes } from '../../../utils/navigate'
import { reportTags } from '../../../utils/report'
import { askDaily, prepareSubscriptions } from '../../../utils/subscribe'
import { formatInstant } from '../../../utils/time'
import './index.scss'

type Kind = 'all' | 'lab' | 'imaging'
const TABS: { key: Kind; text: string }[] = [
  { key: 'all', text: t.all },
  { key: 'lab', text: t.lab },
  { key: 'imaging', text: t.imaging },
]

function ReportCard({ report }: { report: ReportLine }) {
  const open = (): void => {
    // Asked at the tap, where WeChat allows it; the report does not wait for the answer.
    void askDaily('report')
    go(routes.report(report.id))
  }
  return (
    <Press className="report-card" onPress={open} testId="report-item">
      <Text className="report-card__title">{report.title}</Text>
      <Text className="report-card__where">{report.organization_name}</Text>
      <Text className="report-card__at">{formatInstant(report.at)}</Text>
      <View className="report-card__tags">
        {reportTags(report).map(({ text, tone }) => <Tag text={text} tone={tone} key={text} />)}
      </View>
    </Press>
  )
}

function ReportsOf({ patient, visitId }: { patient: Patient; visitId?: string }) {
  const [kind, setKind] = useState<Kind>('all')
  const list = usePages(`${patient.id}/${kind}`, (cursor) => listReports(patient.id, kind === 'all' ? undefined : kind, cursor, visitId))
  return (
    <>
      {visitId ? <Text className="reports__visit">{t.ofVisit}</Text> : null}
      <Tabs tabs={TABS} chosen={kind} onChoose={setKind} />
      <LoadedList of={list} empty={<Empty icon="paper" text={t.empty} hint={t.emptyHint} />}>
        {(items) => items.map((one) => <ReportCard report={one} key={one.id} />)}
      </LoadedList>
    </>
  )
}

function Reports() {
  const { params } = useRouter<{ patient_id?: string; visit_id?: string }>()
  const patients = usePatients()
  useEffect(() => void prepareSubscriptions(), [])
  const { chosen, choose } = usePatientChoice(patients.data, params.patient_id)
  return (
    <Loaded of={patients}>
      {(people) => (
        <>
          {people.length > 1 && !params.visit_id ? <PatientPicker patients={people} chosen={chosen?.id} onChoose={choose} label={t.forWhom} /> : null}
          {chosen ? <ReportsOf patient={chosen} visitId={params.visit_id} key={chosen.id} /> : null}
        </>
      )}
    </Loaded>
  )
}

export default function ReportsPage() {
  return (
    <Page title={pageTitles.reports}>
      <Guard realName>{() => <Reports />}</Guard>
    </Page>
  )
}
