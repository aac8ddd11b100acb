// My referrals, and those of whom I act for: where to, when, how far.
import { Text, View } from '@tarojs/components'
import { useEffect } from 'react'
import { Guard } from '../../../components/guard'
import { Page } from '../../../components/page'
import { Press } from '../../../components/press'
import { Empty, LoadedList } from '../../../components/states'
import { Tag } from '../../../components/tag'
import { usePages } from '../../../hooks/usePages'
import { listReferrals, type Referral } from '../../../services/referrals'
import { pageTitles } from '../../../texts'
import { directionNames, referrals as t } from '../../../texts/referrals'
import { go, routes } from '../../../utils/navigate'
import { isExpected, referralTag } from '../../../utils/referral'
import { askDaily, prepareSubscriptions } from '../../../utils/subscribe'
import { cityDate, formatDate, formatTime, formatVisitDay } from '../../../utils/time'
import './index.scss'

function Card({ referral }: { referral: Referral }) {
  const { place, receiver, sender, patient, direction } = referral
  const open = (): void => {
    // Asked at the tap, where WeChat allows it; the referral does not wait for the answer.
    void askDaily('referral')
    go(routes.referral(referral.id))
  }
  return (
    <Press className="referral" onPress={open} testId="referral-item">
      <View className="referral__top">
        <Text className="referral__to">{receiver.organization}</Text>
        <Tag {...referralTag(referral)} />
      </View>
      {place && isExpected(referral) ? (
        <Text className="referral__when">{`${formatVisitDay(place.expected_at)} ${formatTime(place.expected_at)}`}</Text>
      ) : null}
      <Text className="referral__from">{[patient.name, directionNames[direction], sender.organization, formatDate(cityDate(referral.created_at))].filter(Boolean).join(' · ')}</Text>
    </Press>
  )
}

function Referrals() {
  const list = usePages('referrals', listReferrals)
  useEffect(() => void prepareSubscriptions(), [])
  return (
    <LoadedList of={list} empty={<Empty icon="hospital" text={t.empty} hint={t.emptyHint} />}>
      {(items) => items.map((one) => <Card referral={one} key={one.id} />)}
    </LoadedList>
  )
}

export default function ReferralsPage() {
  return (
    <Page title={pageTitles.referrals}>
      <Guard realName>{() => <Referrals />}</Guard>
    </Page>
  )
}
