// One clinic session: who, what it costs, how many numbers are left.
import { Text, View } from '@tarojs/components'
import { Icon } from '../../../components/icon'
import { Money } from '../../../components/money'
import { Press } from '../../../components/press'
import { Tag } from '../../../components/tag'
import type { Session } from '../../../services/types'
import { booking as t, kindNames, sessionStateNames } from '../../../texts'
import { go, routes } from '../../../utils/navigate'

interface SessionCardProps {
  session: Session
  onDoctor: (practitionerId: string) => void
}

export function SessionCard({ session, onDoctor }: SessionCardProps) {
  const { practitioner, state, free, fee_fen: fee, kind } = session
  const open = state === 'open' && free > 0
  const choose = (): void => {
    go(routes.slots(session.schedule_id))
  }
  return (
    <View className={`session ${open ? '' : 'session--off'}`}>
      {practitioner ? (
        <Press className="session__about" testId="doctor-about" label={`${t.aboutDoctor} ${practitioner.name}`} onPress={() => {
          onDoctor(practitioner.id)
        }}>
          <Icon name="person" size={26} />
          <Text className="session__about-text">{t.about}</Text>
        </Press>
      ) : null}
      <Press className="session__main" disabled={!open} onPress={choose} testId={open ? 'session-item' : 'session-item-off'}>
        <View className="session__who">
          <View className="session__names">
            <Text className="session__name">{practitioner?.name ?? t.noDoctor}</Text>
            {practitioner?.title ? <Text className="session__title">{practitioner.title}</Text> : null}
          </View>
          <Text className="session__kind">{kindNames[kind]}</Text>
        </View>
        <View className="session__side">
          <Money fen={fee} />
          {open
            ? <Tag text={t.left(free)} tone="good" />
            : <Tag text={sessionStateNames[state === 'open' ? 'full' : state]} tone={state === 'stopped' ? 'bad' : 'calm'} />}
        </View>
      </Press>
    </View>
  )
}
