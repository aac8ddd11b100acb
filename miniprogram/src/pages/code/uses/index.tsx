// Every use of the resident's codes: when, where, for what.
import { Text, View } from '@tarojs/components'
import { Guard } from '../../../components/guard'
import { Page } from '../../../components/page'
import { Empty, LoadedList } from '../../../components/states'
import { Tag } from '../../../components/tag'
import { usePages } from '../../../hooks/usePages'
import { usePatients } from '../../../hooks/usePatients'
import { listCodeUses } from '../../../services/healthcodes'
import type { CodeUse } from '../../../services/types'
import { pageTitles, uses as t } from '../../../texts'
import { formatInstant } from '../../../utils/time'
import './index.scss'

function Use({ use, who }: { use: CodeUse; who: string | undefined }) {
  return (
    <View className={`use ${use.flagged ? 'use--flagged' : ''}`} data-testid="use-item">
      <View className="use__top">
        <Text className="use__step">{use.step_name}</Text>
        <Text className="use__at">{formatInstant(use.at)}</Text>
      </View>
      <Text className="use__where">{[use.organization_name, use.terminal_name].filter(Boolean).join(' · ')}</Text>
      <View className="use__tags">
        {who ? <Tag text={who} /> : null}
        {use.offline ? <Tag text={t.offline} tone="wait" /> : null}
        {use.flagged ? <Tag text={t.flagged} tone="bad" /> : null}
      </View>
      {use.flagged ? <Text className="use__note">{t.flaggedHint}</Text> : null}
    </View>
  )
}

function Uses() {
  const list = usePages('uses', listCodeUses)
  const patients = usePatients()
  const nameOf = (id: string): string | undefined => patients.data?.find((patient) => patient.id === id)?.name
  return (
    <LoadedList of={list} empty={<Empty icon="clock" text={t.empty} hint={t.emptyHint} />}>
      {(items) => items.map((use) => <Use use={use} who={nameOf(use.patient_id)} key={use.id} />)}
    </LoadedList>
  )
}

export default function CodeUsesPage() {
  return (
    <Page title={pageTitles.codeUses}>
      <Guard realName>{() => <Uses />}</Guard>
    </Page>
  )
}
