// The life-long file: everything all hospitals have written down, and what one has measured oneself.
import { Text, View } from '@tarojs/components'
import { useState } from 'react'
import { Button } from '../../../components/button'
import { Guard } from '../../../components/guard'
import { Page } from '../../../components/page'
import { PatientPicker } from '../../../components/patientPicker'
import { Press } from '../../../components/press'
import { Row } from '../../../components/row'
import { Confirm } from '../../../components/sheet'
import { Empty, Loaded, LoadedList } from '../../../components/states'
import { Tag } from '../../../components/tag'
import { usePages } from '../../../hooks/usePages'
import { usePatientChoice } from '../../../hooks/usePatientChoice'
import { usePatients } from '../../../hooks/usePatients'
import { useSubmit } from '../../../hooks/useSubmit'
import { fetchEntry, listTimeline, removeMeasurement, type TimelineEntry } from '../../../services/record'
import type { TimelineKind } from '../../../services/reports'
import type { Patient } from '../../../services/types'
import { pageTitles } from '../../../texts'
import { record as t, timelineKindNames } from '../../../texts/reports'
import { toApiError } from '../../../utils/apiError'
import { go, routes } from '../../../utils/navigate'
import { toast } from '../../../utils/platform'
import { formatMoment } from '../../../utils/time'
import { Papers } from './papers'
import './index.scss'

const KINDS: TimelineKind[] = ['visit', 'diagnosis', 'medicine', 'allergy', 'vaccination', 'procedure', 'lab', 'imaging', 'measurement', 'document']

interface EntryProps {
  entry: TimelineEntry
  patientId: string
  onOpen: () => void
  onRemove: () => void
}

/** Where a tap on an entry leads, if anywhere: its report, its words, the reports of its visit. */
function wayOf({ entry, patientId, onOpen }: EntryProps): { hint: string; follow: () => void } | undefined {
  const { report_id: report } = entry
  if (report) return { hint: '', follow: () => { go(routes.report(report)) } }
  if (entry.sensitive) return { hint: t.sensitive, follow: onOpen }
  if (entry.kind === 'visit') return { hint: t.visitReports, follow: () => { go(routes.reports(patientId, entry.id)) } }
  return undefined
}

function Entry(props: EntryProps) {
  const { entry, patientId, onRemove } = props
  const way = wayOf(props)
  const body = (
    <>
      <View className="moment__top">
        <Tag text={timelineKindNames[entry.kind]} tone="info" />
        {entry.own ? <Tag text={t.own} tone="calm" /> : null}
        <Text className="moment__at">{formatMoment(entry.at)}</Text>
      </View>
      <Text className="moment__title">{entry.title}</Text>
      {entry.note ? <Text className="moment__note">{entry.note}</Text> : null}
      {entry.own ? null : <Text className="moment__where">{entry.organization_name}</Text>}
      {entry.documents.length > 0 ? <Papers entry={entry} patientId={patientId} /> : null}
      {way?.hint ? <Text className="moment__note">{way.hint}</Text> : null}
      {entry.own && entry.kind === 'measurement' ? <Button small kind="plain" className="moment__action" text={t.remove} testId="record-remove" onPress={onRemove} /> : null}
    </>
  )
  if (!way) return <View className="moment" data-testid="record-item">{body}</View>
  return <Press className="moment" testId="record-item" onPress={way.follow}>{body}</Press>
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

function Entries({ patient, kind }: { patient: Patient; kind: TimelineKind | undefined }) {
  const list = usePages(`${patient.id}/${kind ?? ''}`, (cursor) => listTimeline(patient.id, kind, cursor))
  const [removing, setRemoving] = useState<TimelineEntry>()
  const acting = useSubmit()
  const open = (entry: TimelineEntry): void => {
    void fetchEntry(patient.id, entry.id).then((shown) => {
      list.change((one) => (one.id === shown.id ? { ...shown, sensitive: false } : one))
    }, (thrown: unknown) => {
      toast(toApiError(thrown).message)
    })
  }
  const close = (): void => {
    setRemoving(undefined)
    acting.clear()
  }
  const remove = (): void => {
    void acting.run(async () => {
      if (!removing) return
      await removeMeasurement(patient.id, removing.id)
      toast(t.removed)
      setRemoving(undefined)
      list.reload()
    })
  }
  return (
    <>
      <LoadedList of={list} empty={<Empty icon="shield" text={t.empty} hint={t.emptyHint} />}>
        {(items) => items.map((entry) => (
          <Entry
            entry={entry} patientId={patient.id} key={entry.id}
            onOpen={() => {
              open(entry)
            }}
            onRemove={() => {
              setRemoving(entry)
            }}
          />
        ))}
      </LoadedList>
      <Confirm
        open={Boolean(removing)} title={t.remove} text={t.removeAsk} action={t.remove} danger
        busy={acting.busy} error={acting.error} onConfirm={remove} onClose={close} testId="record-remove-confirm"
      />
    </>
  )
}

function FileOf({ patient }: { patient: Patient }) {
  const [kind, setKind] = useState<TimelineKind>()
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
      <Entries patient={patient} kind={kind} />
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
