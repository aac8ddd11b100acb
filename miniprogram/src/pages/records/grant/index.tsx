// Letting others read: to whom, what, of which days, for how long.
import { Text, View } from '@tarojs/components'
import { useRouter } from '@tarojs/taro'
import { type ReactNode, useState } from 'react'
import { Button } from '../../../components/button'
import { Guard } from '../../../components/guard'
import { Page } from '../../../components/page'
import { Press } from '../../../components/press'
import { FormError, LoadedList, Empty } from '../../../components/states'
import { usePages } from '../../../hooks/usePages'
import { useSubmit } from '../../../hooks/useSubmit'
import { listOrganizations } from '../../../services/directory'
import { giveConsent } from '../../../services/records'
import { pageTitles } from '../../../texts'
import { grant as t, recordKindNames } from '../../../texts/records'
import { now } from '../../../utils/clock'
import { goBack } from '../../../utils/navigate'
import { toast } from '../../../utils/platform'
import { addDays, cityDate } from '../../../utils/time'
import './index.scss'

const DAY_MS = 24 * 3600_000
const KINDS = ['visit', 'diagnosis', 'medicine', 'allergy', 'lab', 'imaging', 'procedure', 'vaccination', 'document']
const AGES = [{ key: 0, text: t.anyTime }, { key: 365, text: t.lastYear }, { key: 3 * 365, text: t.threeYears }]
const LENGTHS = [{ key: 30, text: t.month }, { key: 182, text: t.halfYear }, { key: 365, text: t.year }]

interface ChipProps {
  text: string
  on: boolean
  role: 'radio' | 'checkbox'
  onPress: () => void
  testId: string
}

function Chip({ text, on, role, onPress, testId }: ChipProps) {
  return (
    <Press className={`chip ${on ? 'chip--on' : ''}`} role={role} selected={on} onPress={onPress} testId={testId}>
      <Text>{text}</Text>
    </Press>
  )
}

function Part({ title, children }: { title: string; children: ReactNode }) {
  return (
    <View className="grant__part" role="group" aria-label={title}>
      <Text className="grant__title">{title}</Text>
      <View className="grant__chips">{children}</View>
    </View>
  )
}

function Choice({ title, options, chosen, onChoose }: {
  title: string; options: { key: number; text: string }[]; chosen: number; onChoose: (key: number) => void
}) {
  return (
    <Part title={title}>
      {options.map(({ key, text }) => (
        <Chip
          key={key} text={text} on={key === chosen} role="radio" testId={`grant-${String(key)}`}
          onPress={() => {
            onChoose(key)
          }}
        />
      ))}
    </Part>
  )
}

function Hospitals({ chosen, onChoose }: { chosen: string | undefined; onChoose: (id: string) => void }) {
  const list = usePages('organizations', listOrganizations)
  return (
    <LoadedList of={list} empty={<Empty text={t.pick} />}>
      {(items) => items.map(({ id, name }) => (
        <Chip
          key={id} text={name} on={id === chosen} role="radio" testId="grant-hospital"
          onPress={() => {
            onChoose(id)
          }}
        />
      ))}
    </LoadedList>
  )
}

function Kinds({ kinds, onChange }: { kinds: string[] | null; onChange: (kinds: string[] | null) => void }) {
  const some = kinds ?? []
  return (
    <Part title={t.what}>
      <Chip text={t.everything} on={kinds === null} role="radio" testId="grant-everything" onPress={() => { onChange(null) }} />
      <Chip text={t.some} on={kinds !== null} role="radio" testId="grant-some" onPress={() => { onChange(some) }} />
      {kinds === null ? null : KINDS.map((kind) => (
        <Chip
          key={kind} text={recordKindNames[kind] ?? kind} on={some.includes(kind)} role="checkbox" testId={`grant-kind-${kind}`}
          onPress={() => {
            onChange(some.includes(kind) ? some.filter((each) => each !== kind) : [...some, kind])
          }}
        />
      ))}
    </Part>
  )
}

function Sensitive({ on, onChange }: { on: boolean; onChange: (on: boolean) => void }) {
  return (
    <Press className={`grant__more ${on ? 'grant__more--on' : ''}`} role="checkbox" selected={on} testId="grant-sensitive" onPress={() => { onChange(!on) }}>
      <Text className="grant__more-name">{on ? '✓ ' : ''}{t.sensitive}</Text>
      <Text className="grant__more-hint">{t.sensitiveHint}</Text>
    </Press>
  )
}

function Grant({ patientId }: { patientId: string }) {
  const [everywhere, setEverywhere] = useState(false)
  const [hospital, setHospital] = useState<string>()
  const [kinds, setKinds] = useState<string[] | null>(null)
  const [age, setAge] = useState(0)
  const [length, setLength] = useState(30)
  const [sensitive, setSensitive] = useState(false)
  const giving = useSubmit()
  const give = (): void => {
    if (!everywhere && !hospital) {
      toast(t.pick)
      return
    }
    if (kinds?.length === 0) {
      toast(t.noKinds)
      return
    }
    void giving.run(async () => {
      await giveConsent({
        patient_id: patientId,
        kinds,
        since: age ? addDays(cityDate(), -age) : null,
        expires_at: new Date(now() + length * DAY_MS).toISOString(),
        sensitive,
        organization_ids: everywhere ? null : [hospital ?? ''],
      })
      toast(t.done)
      goBack()
    })
  }
  return (
    <>
      <Text className="grant__lead">{t.lead}</Text>
      <Part title={t.to}>
        <Chip text={t.oneHospital} on={!everywhere} role="radio" testId="grant-one" onPress={() => { setEverywhere(false) }} />
        <Chip text={t.all} on={everywhere} role="radio" testId="grant-all" onPress={() => { setEverywhere(true) }} />
      </Part>
      {everywhere ? null : <Part title={t.hospital}><Hospitals chosen={hospital} onChoose={setHospital} /></Part>}
      <Kinds kinds={kinds} onChange={setKinds} />
      <Choice title={t.days} options={AGES} chosen={age} onChoose={setAge} />
      <Choice title={t.howLong} options={LENGTHS} chosen={length} onChoose={setLength} />
      <Sensitive on={sensitive} onChange={setSensitive} />
      <FormError error={giving.error} />
      <Button text={t.submit} busy={giving.busy} onPress={give} testId="grant-submit" />
    </>
  )
}

export default function GrantPage() {
  const { patient_id: patientId = '' } = useRouter().params
  return (
    <Page title={pageTitles.consentGrant}>
      <Guard realName>{() => <Grant patientId={patientId} />}</Guard>
    </Page>
  )
}
