// Before anything is filled in: whether it can be done by phone, what will be done, and what is needed for it.
import { Text, View } from '@tarojs/components'
import { useRouter } from '@tarojs/taro'
import { useState } from 'react'
import { Button } from '../../../components/button'
import { Choice } from '../../../components/choice'
import { Guard } from '../../../components/guard'
import { Icon } from '../../../components/icon'
import { Bottom, Page } from '../../../components/page'
import { Empty, FormError, Loaded } from '../../../components/states'
import { Tag } from '../../../components/tag'
import { useLoad } from '../../../hooks/useLoad'
import { useSubmit } from '../../../hooks/useSubmit'
import { amendFiling, type Birth, type BirthPage, fetchBirthPage, type HouseholdSide, listBirths, openFiling, type Precheck, precheckBirth } from '../../../services/births'
import { pageTitles } from '../../../texts'
import { births as texts, check as t } from '../../../texts/births'
import { checkedBefore, NO_ANSWERS, stepsOf } from '../../../utils/births'
import { replace, routes } from '../../../utils/navigate'
import { Card, MaterialRow, Problems } from '../parts'

type Parents = 'both' | 'single'

function Verdict({ ok, days, page }: { ok: boolean; days: number; page: BirthPage }) {
  return (
    <View className={`verdict ${ok ? '' : 'verdict--no'}`} role="status" data-testid="birth-verdict" data-ok={String(ok)}>
      <Icon name={ok ? 'done' : 'alert'} size={30} />
      <View className="verdict__words">
        <Text className="birth__heading">{ok ? t.ok : t.elsewhere}</Text>
        <Text className="birth__note">{ok ? `${texts.promise(days)}。${page.words.ok_hint}` : t.elsewhereHint}</Text>
      </View>
    </View>
  )
}

function Found({ found, page }: { found: Precheck; page: BirthPage }) {
  const { problems, ok } = checkedBefore(found)
  return (
    <>
      <Verdict ok={ok} days={found.promised_days} page={page} />
      <Problems problems={problems} />
      {ok ? (
        <>
          <Card title={t.steps}>
            {stepsOf(found).map(({ code, name, agency_name: agency, optional }) => (
              <View className="birth__top" key={code} data-testid={`birth-step-${code}`}>
                <Text className="birth__line">{name}</Text>
                <Tag text={optional ? t.optional : agency} tone={optional ? 'info' : 'calm'} />
              </View>
            ))}
          </Card>
          <Card title={t.materials}>
            <Text className="birth__note">{t.materialsHint}</Text>
            {found.materials.map((material) => <MaterialRow key={material.kind} material={material} />)}
          </Card>
        </>
      ) : null}
    </>
  )
}

function Check({ birth, page }: { birth: Birth; page: BirthPage }) {
  const birthId = birth.id
  const [side, setSide] = useState<HouseholdSide>('mother')
  const [parents, setParents] = useState<Parents>('both')
  const household = parents === 'single' ? 'mother' : side
  const answers = { ...NO_ANSWERS, household_with: household, single_parent: parents === 'single' }
  const found = useLoad(`precheck/${birthId}/${household}/${parents}`, () => precheckBirth(birthId, answers))
  const opening = useSubmit()
  const open = (): void => {
    void opening.run(async () => {
      const filing = await openFiling(birthId)
      // A draft that was begun before keeps what was filled in.
      if (filing.state === 'draft' && !filing.answers.child_name) await amendFiling(filing.id, { ...filing.answers, household_with: household, single_parent: answers.single_parent })
      replace(filing.state === 'draft' ? routes.birthForm(filing.id) : routes.birthFiling(filing.id))
    })
  }
  return (
    <>
      <Text className="birth__lead">{t.lead}</Text>
      <Card>
        {birth.father ? null : (
          <Choice
            label={t.parents} testId="check-parents" chosen={parents} onChoose={setParents}
            options={[{ key: 'both', text: t.both }, { key: 'single', text: t.single, hint: page.words.single_hint }]}
          />
        )}
        <Choice
          label={t.household} testId="check-household" chosen={household} onChoose={setSide}
          options={[{ key: 'mother' as const, text: t.mother }, ...(parents === 'single' ? [] : [{ key: 'father' as const, text: t.father }])]}
        />
      </Card>
      <Loaded of={found} rows={2}>{(precheck) => <Found found={precheck} page={page} />}</Loaded>
      <FormError error={opening.error} />
      {found.data && checkedBefore(found.data).ok
        ? <Bottom><Button text={t.go} busy={opening.busy} onPress={open} testId="birth-open" /></Bottom>
        : null}
    </>
  )
}

function Finding({ birthId }: { birthId: string }) {
  const births = useLoad('births/check', () => Promise.all([listBirths(), fetchBirthPage()]))
  return (
    <Loaded of={births}>
      {([all, page]) => {
        const birth = all.find(({ id }) => id === birthId)
        return birth ? <Check birth={birth} page={page} /> : <Empty icon="people" text={texts.none} hint={page.words.no_birth_hint} />
      }}
    </Loaded>
  )
}

export default function BirthCheckPage() {
  const { birth_id: birthId = '' } = useRouter().params
  return (
    <Page title={pageTitles.birthCheck}>
      <Guard realName>{() => <Finding birthId={birthId} />}</Guard>
    </Page>
  )
}
