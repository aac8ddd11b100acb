// The life-long file: everything all hospitals have written down, and what one has measured oneself.
import { Text, View } from '@tarojs/components'
import { useState } from 'react'
import { Button } from '../../../components/button'
import { Guard } from '../../../components/guard'
import { Page } from '../../../components/page'
import { PatientPicker } from '../../../components/patientPicker'
import { Press } from '../../../components/press'
import { Row } from '../../../components/row'
import { Empty, Loaded, LoadedList } from '../../../components/states'
import { Tag } from '../../../components/tag'
import { usePages } from '../../../hooks/usePages'
import { usePatientChoice } from '../../../hooks/usePatientChoice'
import { usePatients } from '../../../hooks/usePatients'
import { listTimeline, type TimelineEntry } from '../../../services/record'
import type { TimelineKind } from '../../../services/reports'
import type { Patient } from '../../../services/types'
import { pageTitles } from '../../../texts'
import { record as t, timelineKindNames } from '../../../texts/reports'
import { go, routes } from '../../../utils/navigate'
import { formatInstant } from '../../../utils/time'
import './index.scss'

const KINDS: TimelineKind[] = ['visit', 'diagnosis', 'medicine', 'allergy', 'vaccination', 'procedure', 'lab', 'imaging', 'measurement']

function Entry({ entry }: { entry: TimelineEntry }) {
  const { report_id: report } = entry
  const body = (
    <>
      <View className="moment__top">
        <Tag text={timelineKindNames[entry.kind]} tone="info" />
        {entry.own ? <Tag text={t.own} tone="calm" /> : null}
        <Text className="moment__at">{formatInstant(entry.at)}</Text>
      </View>
      <Text className="moment__title">{entry.title}</Text>
      {entry.note ? <Text className="moment__note">{entry.note}</Text> : null}
      <Text className="moment__where">{entry.organization_name}</Text>
    </>
  )
  if (!report) return <View className="moment" data-testid="record-item">{body}</View>
  return (
    <Press
      className="moment" testId="record-item"
      onPress={() => {
        go(routes.report(report))
      }}
    >
      {body}
    </Press>
  )
}

function Filter({ chosen, choose }: { chosen: TimelineKind | undefined; choose: (kind: TimelineKind | undefined) => void }) {
  const chip = (kind: TimelineKind | undefined, text: string) => (
    <Press
      key={text} role="radio" selected={kind === chosen} className={`chip ${kind === chosen ? 'chip--on' : ''}`} testId="record-kind"
      onPress={() => {
        choose(kind)
      }}
    >
      <Text>{text}</Text>
    </Press>
  )
  return <View className="chips" role="radiogroup">{[chip(undefined, t.all), ...KINDS.map((kind) => chip(kind, timelineKindNames[kind]))]}</View>
}

function FileOf({ patient }: { patient: Patient }) {
  const [kind, setKind] = useState<TimelineKind>()
  const list = usePages(`${patient.id}/${kind ?? ''}`, (cursor) => listTimeline(patient.id, kind, cursor))
  const way = (title: string, to: string, testId: string) => (
    <Row
      title={title} testId={testId}
      onPress={() => {
        go(to)
      }}
    />
  )
  return (
    <>
      <Button
        text={t.measure} testId="record-measure"
        onPress={() => {
          go(routes.measure(patient.id))
        }}
      />
      <Filter chosen={kind} choose={setKind} />
      <LoadedList of={list} empty={<Empty icon="shield" text={t.empty} hint={t.emptyHint} />}>
        {(items) => items.map((entry) => <Entry entry={entry} key={entry.id} />)}
      </LoadedList>
      <View className="rows">
        {way(t.reports, routes.reports(), 'record-reports')}
        {way(t.shares, routes.shares(), 'record-shares')}
        {way(t.download, routes.exporting(patient.id), 'record-download')}
        {way(t.correct, routes.correction(patient.id), 'record-correct')}
      </View>
    </>
  )
}

function File() {
  const patients = usePatients()
  const { chosen, choose } = usePatientChoice(patients.data)
  return (
    <Loaded of={patients}>
      {(people) => (
        <>
          {people.length > 1 ? <PatientPicker patients={people} chosen={chosen?.id} onChoose={choose} label={t.forWhom} /> : null}
          {chosen ? <FileOf patient={chosen} key={chosen.id} /> : null}
        </>
      )}
    </Loaded>
  )
}

export default function RecordPage() {
  return (
    <Page title={pageTitles.record}>
      <Guard realName>{() => <File />}</Guard>
    </Page>
  )
}
