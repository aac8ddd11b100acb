// Who has read a record: when, why and what; and asking the hospital about it.
import { Text, Textarea, View } from '@tarojs/components'
import { useState } from 'react'
import { Button } from '../../../components/button'
import { Facts } from '../../../components/facts'
import { Guard } from '../../../components/guard'
import { Page } from '../../../components/page'
import { PatientPicker } from '../../../components/patientPicker'
import { Sheet } from '../../../components/sheet'
import { Empty, FormError, Loaded, LoadedList } from '../../../components/states'
import { Tabs } from '../../../components/tabs'
import { Tag } from '../../../components/tag'
import { usePages } from '../../../hooks/usePages'
import { usePatientChoice } from '../../../hooks/usePatientChoice'
import { usePatients } from '../../../hooks/usePatients'
import { useSubmit } from '../../../hooks/useSubmit'
import { type Access, askAboutAccess, listAccesses } from '../../../services/records'
import type { Patient } from '../../../services/types'
import { pageTitles } from '../../../texts'
import { accesses as t, accessByNames, recordKindNames } from '../../../texts/records'
import { toast } from '../../../utils/platform'
import { cityDate, formatInstant } from '../../../utils/time'
import './index.scss'

type Whose = 'others' | 'all'
const TABS: { key: Whose; text: string }[] = [
  { key: 'others', text: t.others },
  { key: 'all', text: t.everyone },
]

function whatOf({ kinds, what, count }: Access): string {
  const named = kinds.map((kind) => recordKindNames[kind] ?? kind).join('、')
  return named ? `${named}（${t.items(what, count)}）` : t.items(what, count)
}

function Card({ access, onAsk }: { access: Access; onAsk: () => void }) {
  const { by, question } = access
  const who = by === 'hospital' ? access.organization_name : accessByNames[by]
  return (
    <View className="access" data-testid="access-item">
      <View className="access__top">
        <Text className="access__who">{who}</Text>
        {access.basis === 'break_glass' ? <Tag text={t.emergency} tone="bad" /> : null}
      </View>
      {by === 'hospital' ? <Text className="access__doctor">{access.practitioner || t.unknown}</Text> : null}
      <Text className="access__at">{formatInstant(access.at)}</Text>
      <Facts facts={[[t.why, access.why], [t.purpose, access.purpose_name], [t.what, whatOf(access)]]} />
      {question ? (
        <View className="access__talk">
          <Text className="access__said">{`${t.asked}：${question.text}`}</Text>
          <Text className="access__said">{question.answer ? `${t.answered}：${question.answer}` : t.waiting(cityDate(question.due_at))}</Text>
        </View>
      ) : null}
      {by === 'hospital' && !question ? <Button kind="link" small className="access__ask" text={t.ask} onPress={onAsk} testId="access-ask" /> : null}
    </View>
  )
}

interface AskingProps {
  patientId: string
  access: Access
  onClose: () => void
  onAsked: () => void
}

function Asking({ patientId, access, onClose, onAsked }: AskingProps) {
  const [text, setText] = useState('')
  const asking = useSubmit()
  const ask = (): void => {
    void asking.run(async () => {
      await askAboutAccess(patientId, access.id, text)
      toast(t.sent)
      onAsked()
    })
  }
  return (
    <Sheet open title={t.askTitle} onClose={onClose}>
      <Text className="sheet__text">{t.askLead}</Text>
      <Textarea
        className="access__text" value={text} maxlength={500} placeholder={t.placeholder} nativeProps={{ 'aria-label': t.question }}
        onInput={(event) => {
          setText(event.detail.value)
        }}
        data-testid="access-question"
      />
      <FormError error={asking.error} />
      <Button text={t.send} busy={asking.busy} disabled={text.trim() === ''} onPress={ask} testId="access-send" />
    </Sheet>
  )
}

function AccessesOf({ patient }: { patient: Patient }) {
  const [whose, setWhose] = useState<Whose>('others')
  const [about, setAbout] = useState<Access>()
  const list = usePages(`${patient.id}/${whose}`, (cursor) => listAccesses(patient.id, whose === 'all', cursor))
  const close = (): void => {
    setAbout(undefined)
  }
  const asked = (): void => {
    close()
    list.reload()
  }
  return (
    <>
      <Tabs tabs={TABS} chosen={whose} onChoose={setWhose} />
      <LoadedList of={list} empty={<Empty icon="paper" text={t.none} hint={t.noneHint} />}>
        {(items) => items.map((access) => (
          <Card
            access={access} key={access.id}
            onAsk={() => {
              setAbout(access)
            }}
          />
        ))}
      </LoadedList>
      {about ? <Asking patientId={patient.id} access={about} key={about.id} onClose={close} onAsked={asked} /> : null}
    </>
  )
}

function Accesses() {
  const patients = usePatients()
  const { chosen, choose } = usePatientChoice(patients.data)
  return (
    <Loaded of={patients}>
      {(all) => (
        <>
          {all.length > 1 ? <PatientPicker patients={all} chosen={chosen?.id} onChoose={choose} label={pageTitles.accesses} /> : null}
          <Text className="accesses__note">{t.lead}</Text>
          {chosen ? <AccessesOf patient={chosen} key={chosen.id} /> : null}
        </>
      )}
    </Loaded>
  )
}

export default function AccessesPage() {
  return (
    <Page title={pageTitles.accesses}>
      <Guard realName>{() => <Accesses />}</Guard>
    </Page>
  )
}
