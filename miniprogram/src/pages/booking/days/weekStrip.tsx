// Seven days side by side, each saying whether it has a free number.
import { Text, View } from '@tarojs/components'
import { Button } from '../../../components/button'
import { Press } from '../../../components/press'
import type { AvailableDay } from '../../../services/types'
import { booking as t } from '../../../texts'
import { addDays, cityDate, formatDate, formatWeekday } from '../../../utils/time'

interface WeekStripProps {
  from: string
  days: AvailableDay[] | undefined
  chosen: string | undefined
  week: number
  /** How far ahead people may look. */
  lastWeek: number
  onChoose: (on: string) => void
  onWeek: (week: number) => void
}

/** 11.22 */
const shortDate = (on: string): string => on.slice(5).split('-').map(Number).join('.')

function wordFor(day: AvailableDay | undefined): string {
  if (!day || day.sessions.length === 0) return t.dayNone
  return day.free > 0 ? t.dayFree : t.dayFull
}

export function WeekStrip({ from, days, chosen, week, lastWeek, onChoose, onWeek }: WeekStripProps) {
  const dates = Array.from({ length: 7 }, (_, i) => addDays(from, i))
  return (
    <View className="week">
      <View className="week__days" role="tablist">
        {dates.map((on) => {
          const day = days?.find((one) => one.on === on)
          const word = days ? wordFor(day) : ''
          const free = (day?.free ?? 0) > 0
          return (
            <Press
              key={on} role="tab" selected={on === chosen} testId="day-item" label={`${formatDate(on)} ${formatWeekday(on)} ${word}`}
              className={`week__day ${free ? 'week__day--free' : ''} ${on === chosen ? 'week__day--on' : ''}`}
              onPress={() => {
                onChoose(on)
              }}
            >
              <Text className="week__weekday">{on === cityDate() ? t.today : formatWeekday(on)}</Text>
              <Text className="week__date">{String(Number(on.slice(8)))}</Text>
              <Text className="week__word">{word}</Text>
            </Press>
          )
        })}
      </View>
      <View className="week__turn">
        <Button kind="link" small text={t.lastWeek} disabled={week === 0} testId="week-back" onPress={() => {
          onWeek(week - 1)
        }} />
        <Text className="week__range">{`${shortDate(from)}–${shortDate(addDays(from, 6))}`}</Text>
        <Button kind="link" small text={t.nextWeek} disabled={week >= lastWeek} testId="week-next" onPress={() => {
          onWeek(week + 1)
        }} />
      </View>
    </View>
  )
}
