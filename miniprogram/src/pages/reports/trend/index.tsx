// How one value went, over time and hospitals: a drawing, and every point in words below it.
import { Text, View } from '@tarojs/components'
import { useRouter } from '@tarojs/taro'
import { Drawing } from '../../../components/drawing'
import { Guard } from '../../../components/guard'
import { Page } from '../../../components/page'
import { Empty, Loaded } from '../../../components/states'
import { Tag } from '../../../components/tag'
import { useLoad } from '../../../hooks/useLoad'
import { fetchTrend, type Trend, type TrendPoint } from '../../../services/reports'
import { pageTitles } from '../../../texts'
import { trend as t } from '../../../texts/reports'
import { largeTypeStore } from '../../../utils/largeType'
import { flagLabel, trendSvg } from '../../../utils/report'
import { useStore } from '../../../utils/store'
import { formatInstant } from '../../../utils/time'
import './index.scss'

const LARGE = 1.3

function Point({ point, unit }: { point: TrendPoint; unit: string }) {
  const label = flagLabel({ flag: point.flag, critical: false })
  const shown = `${point.text} ${unit === '1' ? '' : unit}`.trim()
  return (
    <View className="point" data-testid="trend-point">
      <View className="point__top">
        <Text className="point__value">{shown}</Text>
        {label ? <Tag text={label.text} tone={label.tone} /> : null}
        {point.own ? <Tag text={t.own} tone="info" /> : null}
      </View>
      <Text className="point__note">{`${formatInstant(point.at)} · ${point.organization_name}`}</Text>
      {point.original === shown ? null : <Text className="point__note">{t.converted(point.original)}</Text>}
      {point.method ? <Text className="point__note">{t.method(point.method)}</Text> : null}
    </View>
  )
}

function Apart({ of }: { of: Trend['apart'] }) {
  if (of.length === 0) return null
  return (
    <View className="trend__card">
      <Text className="trend__heading">{t.apart}</Text>
      {of.map(({ at, value, unit }, i) => (
        <Text className="point__note" key={i}>{[`${value} ${unit}`, at ? formatInstant(at) : ''].filter(Boolean).join(' · ')}</Text>
      ))}
    </View>
  )
}

function Chart({ of }: { of: Trend }) {
  const large = useStore(largeTypeStore)
  const src = `data:image/svg+xml,${encodeURIComponent(trendSvg(of.points, large ? LARGE : 1))}`
  return (
    <View className="trend__card">
      <Text className="trend__title">{of.name}</Text>
      <Text className="trend__note">{t.unit(of.unit)}</Text>
      <Drawing src={src} label={t.chart(of.name, of.points.length)} />
      <Text className="trend__note">{t.band}</Text>
    </View>
  )
}

function Curve({ patientId, analyte }: { patientId: string; analyte: string }) {
  const load = useLoad(`${patientId}/${analyte}`, () => fetchTrend(patientId, analyte))
  return (
    <Loaded of={load}>
      {(of) => (
        <View className="trend">
          {of.points.length > 0 ? <Chart of={of} /> : <Empty icon="paper" text={t.empty} hint={t.emptyHint} />}
          {of.points.length > 0 ? (
            <View className="trend__card">
              {[...of.points].reverse().map((point, i) => <Point point={point} unit={of.unit} key={i} />)}
            </View>
          ) : null}
          <Apart of={of.apart} />
          <Text className="trend__note">{t.note}</Text>
        </View>
      )}
    </Loaded>
  )
}

export default function TrendPage() {
  const { params } = useRouter<{ patient_id: string; analyte: string }>()
  return (
    <Page title={pageTitles.trend}>
      <Guard realName>{() => <Curve patientId={params.patient_id} analyte={params.analyte} />}</Guard>
    </Page>
  )
}
