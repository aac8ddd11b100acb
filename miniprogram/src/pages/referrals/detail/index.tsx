// One referral: where to be and when, with what, whom to ask; what to do afterwards; and how it came about.
import { Text, View } from '@tarojs/components'
import Taro, { useRouter } from '@tarojs/taro'
import { Button } from '../../../components/button'
import { type Fact, Facts } from '../../../components/facts'
import { Guard } from '../../../components/guard'
import { Icon, type IconName } from '../../../components/icon'
import { Bottom, Page } from '../../../components/page'
import { Loaded } from '../../../components/states'
import { type Load, useLoad } from '../../../hooks/useLoad'
import { fetchReferral, type PlanItem, type Referral, type ReferralPlace } from '../../../services/referrals'
import { pageTitles } from '../../../texts'
import {
  directionNames, outcomeNames, referrals as t, rejectReasonNames, transportNames, urgencyNames,
} from '../../../texts/referrals'
import { go, replace, routes, tabs } from '../../../utils/navigate'
import { historyOf, isExpected, planSaid, referralNote, referralTag } from '../../../utils/referral'
import { formatDay, formatInstant, formatTime, formatVisitDay } from '../../../utils/time'
import { Actions } from './actions'
import './index.scss'

const ICONS: Record<string, IconName> = { good: 'done', wait: 'clock', bad: 'alert', info: 'hospital', calm: 'info' }

function Banner({ referral }: { referral: Referral }) {
  const { text, tone } = referralTag(referral)
  return (
    <View className={`journey-banner journey-banner--${tone}`} role="status">
      <View className="journey-banner__icon"><Icon name={ICONS[tone] ?? 'info'} size={30} /></View>
      <View className="journey-banner__words">
        <Text className="journey-banner__text" data-testid="referral-state">{text}</Text>
        <Text className="journey-banner__note">{isExpected(referral) && referral.wish ? t.wishing(referral.wish) : referralNote(referral)}</Text>
      </View>
    </View>
  )
}

function placeFacts(place: ReferralPlace): Fact[] {
  return [
    [t.department, place.department],
    [t.place, place.where],
    [t.bed, place.bed],
    [t.doctor, place.practitioner],
    [t.number, place.number ? t.numberOf(place.number) : ''],
    [t.bring, place.bring || t.bringUsual],
  ]
}

function Call({ name, phone, testId }: { name: string; phone: string; testId: string }) {
  const call = (): void => {
    void Taro.makePhoneCall({ phoneNumber: phone }).catch(() => undefined)
  }
  return phone ? <Button kind="plain" className="journey__wide" text={t.call(name)} onPress={call} testId={testId} /> : null
}

/** Where to, when, with what: what one looks at again on the way. */
function Where({ referral }: { referral: Referral }) {
  const { place, receiver, sender, clinical } = referral
  const expected = isExpected(referral) && place !== null
  return (
    <View className="journey__card">
      {expected ? <Text className="journey__when">{`${formatVisitDay(place.expected_at)} ${formatTime(place.expected_at)}`}</Text> : null}
      <Facts facts={[
        [t.hospital, receiver.organization],
        [t.address, receiver.address],
        ...(expected ? placeFacts(place) : [[t.department, receiver.department] as Fact]),
        [t.patient, referral.patient.name],
        [t.direction, [directionNames[referral.direction], urgencyNames[referral.urgency]].filter(Boolean).join(' · ')],
        [t.reason, clinical?.reason],
        [t.asked, referral.asked],
        [t.rejected, referral.reject_reason ? rejectReasonNames[referral.reject_reason] : ''],
        [t.outcome, referral.outcome ? [outcomeNames[referral.outcome], referral.outcome_text].filter(Boolean).join('，') : ''],
        [t.sender, [sender.organization, sender.practitioner].filter(Boolean).join(' · ')],
      ]} />
      <Call name={receiver.organization} phone={receiver.phone} testId="referral-call-receiver" />
      <Call name={sender.practitioner ?? sender.organization} phone={sender.phone} testId="referral-call-sender" />
    </View>
  )
}

function Travel({ referral: { transport } }: { referral: Referral }) {
  if (!transport) return null
  return (
    <View className="journey__card">
      <Text className="journey__title">{t.transport}</Text>
      <Facts facts={[
        [t.transport, transportNames[transport.kind]],
        [t.vehicle, transport.vehicle],
        [t.arrives, transport.expected_at ? formatInstant(transport.expected_at) : ''],
        [t.crew, transport.crew_phone],
      ]} />
    </View>
  )
}

function PlanLine({ item }: { item: PlanItem }) {
  const { what, due_on: due } = item
  const said = planSaid(item)
  return (
    <View className="plan-item" data-testid="plan-item">
      <Text className={`plan-item__day ${said.tone ? `plan-item__day--${said.tone}` : ''}`}>{[formatDay(due), said.text].filter(Boolean).join(' · ')}</Text>
      <Text className="plan-item__what">{what}</Text>
    </View>
  )
}

function Afterwards({ referral: { clinical } }: { referral: Referral }) {
  if (!clinical) return null
  const { plan, discharge_summary: summary } = clinical
  return (
    <>
      {plan.length > 0 ? (
        <View className="journey__card" data-testid="referral-plan">
          <Text className="journey__title">{t.plan}</Text>
          <View>{plan.map((item) => <PlanLine item={item} key={item.number} />)}</View>
          <Text className="journey__note">{t.planHint}</Text>
        </View>
      ) : null}
      {summary ? (
        <View className="journey__card">
          <Text className="journey__title">{t.summary}</Text>
          <Text className="journey__text">{summary}</Text>
        </View>
      ) : null}
    </>
  )
}

function History({ referral }: { referral: Referral }) {
  return (
    <View className="journey__card">
      <Text className="journey__title">{t.history}</Text>
      <View>
        {historyOf(referral).map((line) => (
          <View className="step" key={`${line.event}${line.at}`} data-testid="referral-step">
            <Text className="step__name">{line.name}</Text>
            <Text className="step__at">{formatInstant(line.at)}</Text>
          </View>
        ))}
      </View>
    </View>
  )
}

function Neighbours({ referral: { follows, followed_by: next } }: { referral: Referral }) {
  const open = (id: string) => (): void => {
    replace(routes.referral(id))
  }
  return (
    <>
      {next ? <Button className="journey__wide" kind="plain" text={t.next} onPress={open(next)} testId="referral-next" /> : null}
      {follows ? <Button className="journey__wide" kind="link" text={t.before} onPress={open(follows)} testId="referral-before" /> : null}
    </>
  )
}

function Detail({ of, referral }: { of: Load<Referral>; referral: Referral }) {
  const showCode = (): void => {
    go(tabs.code)
  }
  return (
    <View className="journey" data-testid="referral-detail" data-state={referral.state}>
      <Banner referral={referral} />
      <Where referral={referral} />
      <Travel referral={referral} />
      <Afterwards referral={referral} />
      <Neighbours referral={referral} />
      <History referral={referral} />
      <Actions referral={referral} onChanged={of.put} />
      {isExpected(referral) ? <Bottom><Button text={t.showCode} onPress={showCode} testId="referral-code" /></Bottom> : null}
    </View>
  )
}

function Loading({ id }: { id: string }) {
  const load = useLoad(id, () => fetchReferral(id), true)
  return <Loaded of={load}>{(referral) => <Detail of={load} referral={referral} />}</Loaded>
}

export default function ReferralPage() {
  const { params } = useRouter<{ referral_id: string }>()
  return (
    <Page title={pageTitles.referral}>
      <Guard realName>{() => <Loading id={params.referral_id} key={params.referral_id} />}</Guard>
    </Page>
  )
}
