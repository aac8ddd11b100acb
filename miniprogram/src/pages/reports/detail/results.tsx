// The results of a report: what is out of range first, each with words for people who are no doctors.
import { Text, View } from '@tarojs/components'
import { Press } from '../../../components/press'
import { Tag } from '../../../components/tag'
import type { Report, ReportItem } from '../../../services/reports'
import { reports as t } from '../../../texts/reports'
import { go, routes } from '../../../utils/navigate'
import { flagLabel, inOrder } from '../../../utils/report'

function Result({ item, patientId }: { item: ReportItem; patientId: string }) {
  const label = flagLabel(item)
  const see = (): void => {
    if (item.analyte) go(routes.trend(patientId, item.analyte))
  }
  return (
    <View className="result" data-testid="result-item">
      <View className="result__top">
        <Text className="result__name">{item.name}</Text>
        {label ? <Tag text={label.text} tone={label.tone} /> : null}
      </View>
      <View className="result__values">
        <Text className="result__value">{item.value}</Text>
        <Text className="result__unit">{item.unit}</Text>
      </View>
      <Text className="result__range">{item.range ? t.range(item.range, item.unit) : t.noRange}</Text>
      {item.words ? <Text className="result__words">{item.words}</Text> : null}
      {item.note ? <Text className="result__range">{item.note}</Text> : null}
      {item.analyte ? <Press className="result__trend" onPress={see} testId="result-trend"><Text>{t.trend}</Text></Press> : null}
    </View>
  )
}

export function Results({ report }: { report: Report }) {
  const items = inOrder(report.items)
  const source = items.find(({ words_source: one }) => one)?.words_source
  if (items.length === 0) return report.kind === 'lab' ? <Text className="report__note">{t.noItems}</Text> : null
  return (
    <View className="report__card">
      {items.map((item) => <Result item={item} patientId={report.patient_id} key={item.id} />)}
      {source ? <Text className="report__note">{t.source(source.split(':')[0] ?? source)}</Text> : null}
    </View>
  )
}
