// Mine: who I am here, and everything that is mine.
import { Text, View } from '@tarojs/components'
import { useDidShow } from '@tarojs/taro'
import { Button } from '../../components/button'
import { Icon, type IconName } from '../../components/icon'
import { Page } from '../../components/page'
import { Row } from '../../components/row'
import { Tag } from '../../components/tag'
import { useMe } from '../../hooks/useMe'
import { useUnread } from '../../hooks/useUnread'
import type { Me } from '../../services/types'
import { common, home, mine as t, pageTitles } from '../../texts'
import { go, goSignIn, routes } from '../../utils/navigate'
import { reloadMe } from '../../utils/signIn'
import './index.scss'

interface Way {
  icon: IconName
  text: string
  to: string
  testId: string
}

const WAYS: Way[][] = [
  [
    { icon: 'paper', text: t.reports, to: routes.reports(), testId: 'mine-reports' },
    { icon: 'shield', text: t.record, to: routes.record(), testId: 'mine-record' },
    { icon: 'calendar', text: t.appointments, to: routes.appointments(), testId: 'mine-appointments' },
    { icon: 'hospital', text: pageTitles.referrals, to: routes.referrals(), testId: 'mine-referrals' },
    { icon: 'paper', text: pageTitles.births, to: routes.births(), testId: 'mine-births' },
    { icon: 'people', text: t.patients, to: routes.patients(), testId: 'mine-patients' },
    { icon: 'message', text: t.messages, to: routes.messages(), testId: 'mine-messages' },
  ],
  [
    { icon: 'paper', text: pageTitles.consents, to: routes.consents(), testId: 'mine-consents' },
    { icon: 'person', text: pageTitles.accesses, to: routes.accesses(), testId: 'mine-accesses' },
  ],
  [
    { icon: 'clock', text: t.uses, to: routes.codeUses(), testId: 'mine-uses' },
    { icon: 'print', text: t.printed, to: routes.printedCode(), testId: 'mine-printed' },
  ],
  [
    { icon: 'gear', text: t.settings, to: routes.settings(), testId: 'mine-settings' },
    { icon: 'info', text: t.about, to: routes.about(), testId: 'mine-about' },
  ],
]

function Profile({ me }: { me: Me | null }) {
  const verify = (): void => {
    go(routes.realname())
  }
  return (
    <View className="profile">
      <View className="profile__face"><Icon name="person" size={34} /></View>
      {me ? (
        <View className="profile__words">
          <View className="profile__top">
            <Text className="profile__name">{me.name ?? me.phone ?? t.noPhone}</Text>
            <Tag text={me.real_name ? t.verified : t.notVerified} tone={me.real_name ? 'good' : 'wait'} />
          </View>
          {me.name ? <Text className="profile__phone">{me.phone}</Text> : null}
          {me.real_name ? null : <Button small className="profile__act" text={common.goRealName} onPress={verify} testId="go-realname" />}
        </View>
      ) : (
        <View className="profile__words">
          <Button small className="profile__act" text={t.signInTitle} onPress={goSignIn} testId="go-sign-in" />
        </View>
      )}
    </View>
  )
}

export default function MinePage() {
  const me = useMe()
  const unread = useUnread(me?.id)
  useDidShow(() => {
    if (me) reloadMe().catch(() => undefined)
  })
  return (
    <Page title={pageTitles.mine} tab>
      <Profile me={me} />
      {WAYS.map((ways, i) => (
        <View className="rows" key={i}>
          {ways.map(({ icon, text, to, testId }) => (
            <Row
              key={to} icon={icon} title={text} testId={testId}
              side={to === routes.messages() && unread > 0 ? <Tag text={home.unread(unread)} tone="wait" /> : null}
              onPress={() => {
                go(to)
              }}
            />
          ))}
        </View>
      ))}
    </Page>
  )
}
