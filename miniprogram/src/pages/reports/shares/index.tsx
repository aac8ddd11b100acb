// What I have shared: how often each was opened, and the way to end it.
import { Text, View } from '@tarojs/components'
import { Button } from '../../../components/button'
import { Guard } from '../../../components/guard'
import { Page } from '../../../components/page'
import { Empty, FormError, Loaded } from '../../../components/states'
import { Tag } from '../../../components/tag'
import { useLoad } from '../../../hooks/useLoad'
import { useSubmit } from '../../../hooks/useSubmit'
import { listShares, type ShareRecord, stopShare } from '../../../services/reports'
import { pageTitles } from '../../../texts'
import { share as t } from '../../../texts/reports'
import { toast } from '../../../utils/platform'
import { formatInstant } from '../../../utils/time'
import '../list/index.scss'

function Share({ one, onStopped }: { one: ShareRecord; onStopped: () => void }) {
  const stopping = useSubmit()
  const stop = (): void => {
    void stopping.run(async () => {
      await stopShare(one.id)
      toast(t.stopped)
      onStopped()
    })
  }
  return (
    <View className="report-card" data-testid="share-item">
      <Text className="report-card__title">{one.label}</Text>
      <Text className="report-card__where">{[t.opened(one.opened), one.recipient].filter(Boolean).join(' · ')}</Text>
      {one.last_opened_at ? <Text className="report-card__at">{t.lastOpened(formatInstant(one.last_opened_at))}</Text> : null}
      <Text className="report-card__at">{t.until(formatInstant(one.expires_at))}</Text>
      <View className="report-card__tags"><Tag text={one.live ? t.live : t.ended} tone={one.live ? 'good' : 'calm'} /></View>
      <FormError error={stopping.error} />
      {one.live ? <Button kind="plain" small text={t.stop} busy={stopping.busy} onPress={stop} testId="share-stop" /> : null}
    </View>
  )
}

function Shares() {
  const load = useLoad('shares', listShares, true)
  return (
    <Loaded of={load}>
      {(items) => (items.length === 0
        ? <Empty icon="paper" text={t.empty} hint={t.emptyHint} />
        : <>{items.map((one) => <Share one={one} onStopped={load.reload} key={one.id} />)}</>)}
    </Loaded>
  )
}

export default function SharesPage() {
  return (
    <Page title={pageTitles.shares}>
      <Guard realName>{() => <Shares />}</Guard>
    </Page>
  )
}
