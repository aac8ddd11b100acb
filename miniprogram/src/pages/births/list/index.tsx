// The resident's newborns, and how far their papers are.
import { Text, View } from '@tarojs/components'
import { Button } from '../../../components/button'
import { Guard } from '../../../components/guard'
import { Page } from '../../../components/page'
import { Empty, Loaded } from '../../../components/states'
import { Tag } from '../../../components/tag'
import { useLoad } from '../../../hooks/useLoad'
import { type Birth, type BirthPage, fetchBirthPage, type Filing, listBirths, listFilings } from '../../../services/births'
import { pageTitles } from '../../../texts'
import { births as t, filing as filingTexts } from '../../../texts/births'
import { FILING_TONES, isToReceive, mayFileAgain, progressOf } from '../../../utils/births'
import { go, routes } from '../../../utils/navigate'
import { babyName, bornWords, Card } from '../parts'

function Under({ filing }: { filing: Filing }) {
  const { done, of } = progressOf(filing.steps)
  const draft = filing.state === 'draft'
  return (
    <>
      <Text className="birth__note">{draft ? filingTexts.leads.draft : filingTexts.progress(done, of)}</Text>
      <Button
        text={draft ? t.goOn : t.see} testId="birth-see"
        onPress={() => {
          go(draft ? routes.birthForm(filing.id) : routes.birthFiling(filing.id))
        }}
      />
    </>
  )
}

/** An earlier filing of the same birth of which something has not come yet: it stays to be seen. */
function Earlier({ filings }: { filings: Filing[] }) {
  return filings.filter(isToReceive).map((filing) => (
    <Button key={filing.id} kind="plain" text={filingTexts.stillToCome} testId="birth-earlier" onPress={() => { go(routes.birthFiling(filing.id)) }} />
  ))
}

function Baby({ birth, filings, page }: { birth: Birth; filings: Filing[]; page: BirthPage }) {
  const [filing, ...earlier] = filings
  const anew = !filing || mayFileAgain(filing.state)
  const start = (): void => {
    go(routes.birthCheck(birth.id))
  }
  return (
    <View data-testid="birth-item">
      <Card>
        <View className="birth__top">
          <Text className="birth__heading">{filing?.answers.child_name || babyName(birth)}</Text>
          {filing ? <Tag text={filingTexts.states[filing.state]} tone={FILING_TONES[filing.state]} /> : null}
        </View>
        <Text className="birth__line">{bornWords(birth)}</Text>
        <Text className="birth__note">{birth.hospital}</Text>
        {birth.state === 'doubtful' ? <Text className="birth__note">{page.words.doubtful}</Text> : null}
        {filing ? <Under filing={filing} /> : null}
        <Earlier filings={earlier} />
        {anew && birth.state === 'noted'
          ? <Button kind={filing ? 'plain' : 'strong'} text={filing ? t.again : t.start} testId="birth-start" onPress={start} />
          : null}
      </Card>
    </View>
  )
}

function Births() {
  const all = useLoad('births', () => Promise.all([listBirths(), listFilings(), fetchBirthPage()]), true)
  return (
    <>
      <Text className="birth__lead">{t.lead}</Text>
      <Loaded of={all} rows={1}>
        {([babies, filings, page]) => (babies.length === 0 ? <Empty icon="people" text={t.none} hint={page.words.no_birth_hint} /> : babies.map((birth) => (
          <Baby key={birth.id} birth={birth} page={page} filings={filings.filter((one) => one.birth.id === birth.id)} />
        )))}
      </Loaded>
    </>
  )
}

export default function BirthsPage() {
  return (
    <Page title={pageTitles.births}>
      <Guard realName>{() => <Births />}</Guard>
    </Page>
  )
}
