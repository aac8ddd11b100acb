// Home: the code, the next visit, and what people come for.
import { Text, View } from '@tarojs/components'
import { useEffect } from 'react'
import { AppointmentCard } from '../../components/appointmentCard'
import { Button } from '../../components/button'
import { Icon, type IconName } from '../../components/icon'
import { Page } from '../../components/page'
import { Press } from '../../components/press'
import { Row } from '../../components/row'
import { Empty, Loaded } from '../../components/states'
import { useCityName } from '../../hooks/useCityName'
import { useLargeType } from '../../hooks/useLargeType'
import { useLoad } from '../../hooks/useLoad'
import { useMe } from '../../hooks/useMe'
import { useUnread } from '../../hooks/useUnread'
import { listAppointments } from '../../services/appointments'
import { newestBirth } from '../../services/births'
import { listReferrals } from '../../services/referrals'
import type { Me } from '../../services/types'
import { appointments as appointmentTexts, common, home as t, settings } from '../../texts'
import { filing as filingTexts } from '../../texts/births'
import { go, goSignIn, routes, tabs } from '../../utils/navigate'
import { isExpected, isUnderWay, referralTag } from '../../utils/referral'
import { askDaily, prepareSubscriptions } from '../../utils/subscribe'
import { formatTime, formatVisitDay } from '../../utils/time'
import './index.scss'

interface TileProps {
  icon: IconName
  text: string
  hint?: string | undefined
  to: string
  testId: string
  tone: 'green' | 'blue' | 'amber'
}

function Tile({ icon, text, hint, to, testId, tone }: TileProps) {
  const open = (): void => {
    go(to)
  }
  return (
    <Press className="tile" onPress={open} testId={testId}>
      <View className={`tile__icon tile__icon--${tone}`}><Icon name={icon} size={26} /></View>
      <View className="tile__words">
        <Text className="tile__text">{text}</Text>
        {hint ? <Text className="tile__hint">{hint}</Text> : null}
      </View>
    </Press>
  )
}

/** What a newcomer still has to do before anything can be used. */
function NextStep({ me }: { me: Me | null }) {
  const proveName = (): void => {
    go(routes.realname())
  }
  if (me?.real_name) return null
  return (
    <View className="home__sign-in">
      <Text className="home__sign-in-text">{me ? t.realNameTitle : t.signInTitle}</Text>
      {me
        ? <Button small text={t.realName} onPress={proveName} testId="home-realname" />
        : <Button small text={common.signIn} onPress={goSignIn} testId="home-sign-in" />}
    </View>
  )
}

function NextVisit() {
  const next = useLoad('next', () => listAppointments('upcoming', undefined, 3), true)
  const openAll = (): void => {
    go(routes.appointments())
  }
  return (
    <View className="next">
      <View className="next__head">
        <Text className="next__title">{t.next}</Text>
        <Button kind="link" small text={t.all} onPress={openAll} testId="home-appointments-all" />
      </View>
      <Loaded of={next} rows={1}>
        {({ items }) => {
          const first = items[0]
          if (first) return <AppointmentCard appointment={first} testId="home-next" />
          const book = (): void => {
            go(tabs.booking)
          }
          const action = <Button kind="plain" small text={appointmentTexts.book} onPress={book} />
          return <Empty icon="calendar" text={t.nothingNext} action={action} />
        }}
      </Loaded>
    </View>
  )
}

/** A referral under way is what a patient looks up on the road: it stands before the next visit. */
function UnderWay() {
  const found = useLoad('referrals', () => listReferrals(), true)
  const first = found.data?.items.find(isUnderWay)
  if (!first) return null
  const open = (): void => {
    go(routes.referral(first.id))
  }
  const at = first.place && isExpected(first) ? `${formatVisitDay(first.place.expected_at)} ${formatTime(first.place.expected_at)}` : ''
  const note = [first.patient.name, referralTag(first).text, at].filter(Boolean).join(' · ')
  return <View className="rows"><Row icon="hospital" title={t.referral(first.receiver.organization)} note={note} onPress={open} testId="home-referral" /></View>
}

/** A newborn's papers, from the hospital's notice until the last of them is there. */
function Newborn() {
  const found = useLoad('newborn', newestBirth, true)
  if (!found.data) return null
  const { birth, filing } = found.data
  if (filing?.state === 'completed') return null
  const note = filing ? filingTexts.states[filing.state] : t.newbornHint
  const open = (): void => {
    go(filing ? routes.births() : routes.birthCheck(birth.id))
  }
  return <View className="rows"><Row icon="people" title={t.newborn} note={note} onPress={open} testId="home-births" /></View>
}

export default function HomePage() {
  const me = useMe()
  const unread = useUnread(me?.id)
  const cityName = useCityName()
  const [large, toggleLarge] = useLargeType()
  const openCode = (): void => {
    // Asked at the tap, where WeChat allows it; the code does not wait for the answer.
    void askDaily('code')
    go(tabs.code)
  }
  useEffect(() => {
    if (me) void prepareSubscriptions()
  }, [me])
  return (
    <Page title={cityName} tab bare>
      <View className="home__hero">
        <View className="home__words">
          <Text className="home__hello">{t.greeting(me?.name ?? null)}</Text>
          <Text className="home__welcome">{t.welcome}</Text>
        </View>
        <Press
          className={`home__large ${large ? 'home__large--on' : ''}`} role="checkbox" selected={large}
          onPress={toggleLarge} testId="home-large"
        >
          {settings.large}
        </Press>
      </View>
      <View className="home__body">
        <Press className="home__code" onPress={openCode} testId="home-code">
          <View className="home__code-icon"><Icon name="qr" size={44} /></View>
          <View className="home__code-words">
            <Text className="home__code-text">{t.showCode}</Text>
            <Text className="home__code-hint">{t.showCodeHint}</Text>
          </View>
          <Icon name="forward" size={22} />
        </Press>
        <NextStep me={me} />
        <View className="home__tiles">
          <Tile icon="calendar" tone="green" text={t.book} hint={t.bookHint} to={tabs.booking} testId="home-book" />
          <Tile icon="clock" tone="blue" text={t.appointments} to={routes.appointments()} testId="home-appointments" />
          <Tile icon="paper" tone="green" text={t.reports} to={routes.reports()} testId="home-reports" />
          <Tile icon="shield" tone="blue" text={t.record} to={routes.record()} testId="home-record" />
          <Tile icon="people" tone="blue" text={t.patients} to={routes.patients()} testId="home-patients" />
          <Tile icon="message" tone="amber" text={t.messages} hint={unread > 0 ? t.unread(unread) : undefined} to={routes.messages()} testId="home-messages" />
        </View>
        {me?.real_name ? <UnderWay /> : null}
        {me?.real_name ? <Newborn /> : null}
        {me ? <NextVisit /> : null}
      </View>
    </Page>
  )
}
