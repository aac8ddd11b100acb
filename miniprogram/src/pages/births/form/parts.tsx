// The first three pages of the form: the child, the father, what else and how to get it.
import { Text } from '@tarojs/components'
import { Button } from '../../../components/button'
import { Choice } from '../../../components/choice'
import { Field } from '../../../components/field'
import type { Answers, Birth, BirthPage, HouseholdSide } from '../../../services/births'
import { check, form as t } from '../../../texts/births'
import { asksAccount, type Faults } from '../../../utils/births'
import { Card } from '../parts'

export interface PartProps {
  birth: Birth
  page: BirthPage
  answers: Answers
  faults: Faults
  change: (some: Partial<Answers>) => void
}

export function HouseholdChoice({ page, answers, faults, change }: Omit<PartProps, 'birth'>) {
  return (
    <Choice<HouseholdSide>
      label={t.household} hint={page.words.household_hint} testId="birth-household" chosen={answers.household_with} error={faults.household_with}
      options={[{ key: 'mother', text: check.mother }, { key: 'father', text: check.father }]}
      onChoose={(side) => {
        change({ household_with: side })
      }}
    />
  )
}

export function NameField({ page, answers, faults, change }: Omit<PartProps, 'birth'>) {
  return (
    <Field
      label={t.name} value={answers.child_name} maxLength={page.limits.name_most_with_dot} placeholder={t.namePlaceholder} hint={page.words.name_hint} error={faults.child_name} testId="birth-name"
      onChange={(name) => {
        change({ child_name: name })
      }}
    />
  )
}

export function NamePart(props: PartProps) {
  return (
    <>
      <Card><NameField {...props} /></Card>
      <Card><HouseholdChoice {...props} /></Card>
    </>
  )
}

/** The father's name and number; what the hospital has noted is only shown. */
export function FatherFields({ birth, page, answers, faults, change }: PartProps) {
  if (birth.father) {
    return (
      <>
        <Text className="birth__line">{t.father(birth.father)}</Text>
        <Text className="birth__note">{page.words.father_hint}</Text>
        {answers.other_name || answers.other_id_number ? (
          <>
            <Text className="birth__note">{t.fatherSaid(answers.other_name)}</Text>
            <Button
              small kind="plain" text={t.fatherAsNoted} testId="birth-father-as-noted"
              onPress={() => {
                change({ other_name: '', other_id_number: '' })
              }}
            />
          </>
        ) : null}
      </>
    )
  }
  return (
    <>
      <Field
        label={t.otherName} value={answers.other_name} maxLength={page.limits.other_name} error={faults.other_name} testId="birth-other-name"
        onChange={(name) => {
          change({ other_name: name })
        }}
      />
      <Field
        label={t.otherId} value={answers.other_id_number} keyboard="idcard" maxLength={18} error={faults.other_id_number} testId="birth-other-id"
        onChange={(number) => {
          change({ other_id_number: number })
        }}
      />
    </>
  )
}

export function ParentsPart(props: PartProps) {
  const { birth, page, answers, faults, change } = props
  // Whom the hospital has noted is not left out by a tick.
  if (birth.father) return <Card><FatherFields {...props} /></Card>
  return (
    <Card>
      <Choice<'both' | 'single'>
        label={check.parents} testId="birth-parents" chosen={answers.single_parent ? 'single' : 'both'} error={faults.single_parent}
        options={[{ key: 'both', text: check.both }, { key: 'single', text: check.single, hint: page.words.single_hint }]}
        onChoose={(who) => {
          change(who === 'single' ? { single_parent: true, household_with: 'mother' } : { single_parent: false })
        }}
      />
      {answers.single_parent ? null : <FatherFields {...props} />}
    </Card>
  )
}

export function BankField({ page, answers, faults, change }: Omit<PartProps, 'birth'>) {
  return (
    <Field
      label={t.bank} value={answers.bank_account} keyboard="digits" maxLength={page.limits.account + Math.floor(page.limits.account / 4)} hint={page.words.bank_hint} error={faults.bank_account} testId="birth-bank"
      onChange={(account) => {
        change({ bank_account: account })
      }}
    />
  )
}

export function DeliveryFields({ page, answers, faults, change }: Omit<PartProps, 'birth'>) {
  const { delivery } = answers
  const set = (some: Partial<Answers['delivery']>): void => {
    change({ delivery: { ...delivery, ...some } })
  }
  return (
    <>
      <Choice
        label={t.delivery} testId="birth-delivery" chosen={delivery.way} error={faults.delivery}
        options={[{ key: 'mail', text: t.mail, hint: page.words.mail_hint }, { key: 'pickup', text: t.pickup, hint: page.words.pickup_hint }]}
        onChoose={(way) => {
          set({ way })
        }}
      />
      {delivery.way === 'mail' ? (
        <>
          <Field
            label={t.receiver} value={delivery.receiver} maxLength={page.limits.receiver} error={faults['delivery.receiver']} testId="birth-receiver"
            onChange={(receiver) => {
              set({ receiver })
            }}
          />
          <Field
            label={t.phone} value={delivery.phone} keyboard="digits" maxLength={11} error={faults['delivery.phone']} testId="birth-phone"
            onChange={(phone) => {
              set({ phone })
            }}
          />
          <Field
            label={t.address} value={delivery.address} maxLength={page.limits.address} hint={page.words.address_hint} error={faults['delivery.address']} testId="birth-address"
            onChange={(address) => {
              set({ address })
            }}
          />
        </>
      ) : null}
    </>
  )
}

export function WishesPart(props: PartProps & { optional: { code: string; name: string }[] }) {
  const { page, answers, change, optional } = props
  const { wanted } = answers
  return (
    <>
      {optional.length > 0 ? (
        <Card>
          <Choice
            several label={t.whatElse} hint={t.whatElseHint} testId="birth-wanted" chosen={wanted}
            options={optional.map(({ code: key, name: text }) => ({ key, text }))}
            onChoose={(code) => {
              change({ wanted: wanted.includes(code) ? wanted.filter((one) => one !== code) : [...wanted, code] })
            }}
          />
          {asksAccount(answers, page) ? <BankField {...props} /> : null}
        </Card>
      ) : null}
      <Card><DeliveryFields {...props} /></Card>
    </>
  )
}
