// The numbers of one session: choose the time.
import { Text, View } from '@tarojs/components'
import Taro, { useRouter } from '@tarojs/taro'
import { Money } from '../../../components/money'
import { Page } from '../../../components/page'
import { Press } from '../../../components/press'
import { Row } from '../../../components/row'
import { Empty, Loaded } from '../../../components/states'
import { useLoad } from '../../../hooks/useLoad'
import { fetchSchedule } from '../../../services/directory'
import type { Schedule, Slot } from '../../../services/types'
import { booking as t, kindNames, pageTitles, periodNames, slotStateNames } from '../../../texts'
import { go, routes } from '../../../utils/navigate'
import { isWeapp, toast } from '../../../utils/platform'
import { formatAfterMidnight, formatDay, formatTime } from '../../../utils/time'
import './index.scss'

function Summary({ schedule }: { schedule: Schedule }) {
  const { organization, department, practitioner, on, period, kind, fee_fen: fee } = schedule
  return (
    <View className="summary">
      <View className="summary__top">
        <Text className="summary__who">{practitioner?.name ?? t.noDoctor}</Text>
        <Text className="summary__title">{practitioner?.title ?? kindNames[kind]}</Text>
        <View className="summary__fee"><Money fen={fee} /></View>
      </View>
      <Text className="summary__line">{`${organization.name} · ${department.name}`}</Text>
      <Text className="summary__line">{`${formatDay(on)} ${periodNames[period]}`}</Text>
    </View>
  )
}

function SlotButton({ slot, schedule }: { slot: Slot; schedule: Schedule }) {
  const free = slot.state === 'free'
  const nextDay = formatAfterMidnight(schedule.on, slot.start_at)
  const choose = (): void => {
    go(routes.confirm(schedule.id, slot.number))
  }
  return (
    <Press
      className={`slot ${free ? '' : 'slot--off'}`} disabled={!free} onPress={choose} testId={free ? 'slot-item' : 'slot-item-off'}
      label={`${nextDay}${formatTime(slot.start_at)} ${t.number(slot.number)} ${slotStateNames[slot.state]}`}
    >
      <Text className="slot__time">{formatTime(slot.start_at)}</Text>
      <Text className="slot__number">{nextDay ? `${nextDay} ` : ''}{free ? t.number(slot.number) : slotStateNames[slot.state]}</Text>
    </Press>
  )
}

/** The publisher's own page and number, for those who would rather. */
function OwnWays({ schedule }: { schedule: Schedule }) {
  const { booking_url: url, booking_phone: phone } = schedule
  const openPage = (): void => {
    if (!url) return
    if (isWeapp) void Taro.setClipboardData({ data: url }).then(() => {
      toast(t.copied)
    })
    else window.open(url, '_blank', 'noopener')
  }
  const call = (): void => {
    if (phone) void Taro.makePhoneCall({ phoneNumber: phone }).catch(() => undefined)
  }
  if (!url && !phone) return null
  return (
    <View className="rows">
      {url ? <Row icon="info" title={t.ownPage} onPress={openPage} testId="schedule-own-page" /> : null}
      {phone ? <Row icon="phone" title={`${t.ownPhone} ${phone}`} onPress={call} testId="schedule-own-phone" /> : null}
    </View>
  )
}

function Slots({ schedule }: { schedule: Schedule }) {
  const stopped = schedule.state === 'stopped'
  const any = schedule.slots.some((slot) => slot.state === 'free')
  return (
    <>
      <Summary schedule={schedule} />
      {stopped ? <Empty icon="alert" text={t.stopped} /> : null}
      {!stopped && !any ? <Empty icon="calendar" text={t.noSlots} hint={t.noSlotsHint} /> : null}
      {!stopped && any ? (
        <View className="slots">
          <Text className="slots__title">{t.pickTime}</Text>
          <Text className="slots__hint">{t.pickTimeHint}</Text>
          <View className="slots__grid">
            {schedule.slots.map((slot) => <SlotButton slot={slot} schedule={schedule} key={slot.number} />)}
          </View>
        </View>
      ) : null}
      <OwnWays schedule={schedule} />
    </>
  )
}

export default function SlotsPage() {
  const { params } = useRouter<{ schedule_id: string }>()
  const id = params.schedule_id
  const schedule = useLoad(id, () => fetchSchedule(id), true)
  return (
    <Page title={pageTitles.slots}>
      <Loaded of={schedule}>{(data) => <Slots schedule={data} />}</Loaded>
    </Page>
  )
}
