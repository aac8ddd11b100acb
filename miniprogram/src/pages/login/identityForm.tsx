// When nobody has used the phone's account for long: is it still the same person?
import { Text, View } from '@tarojs/components'
import { useState } from 'react'
import { Button } from '../../components/button'
import { Field } from '../../components/field'
import { Confirm } from '../../components/sheet'
import { FormError } from '../../components/states'
import { useSubmit } from '../../hooks/useSubmit'
import { loginAsNewHolder, loginByIdentity } from '../../services/auth'
import type { TokenPair } from '../../services/types'
import { login as t } from '../../texts'
import { isLastFour, tidyIdNumber } from '../../utils/idNumber'

interface IdentityFormProps {
  ticket: string
  onSignedIn: (tokens: TokenPair) => void
  onStartOver: () => void
}

export function IdentityForm({ ticket, onSignedIn, onStartOver }: IdentityFormProps) {
  const [lastFour, setLastFour] = useState('')
  const [wrong, setWrong] = useState<string>()
  const [asking, setAsking] = useState(false)
  const showing = useSubmit()
  const beginning = useSubmit()
  const submit = (): void => {
    setWrong(isLastFour(lastFour) ? undefined : t.lastFourWrong)
    if (!isLastFour(lastFour)) return
    void showing.run(async () => {
      onSignedIn(await loginByIdentity(ticket, lastFour))
    })
  }
  const beginAnew = (): void => {
    void beginning.run(async () => {
      onSignedIn(await loginAsNewHolder(ticket))
    })
  }
  const ask = (open: boolean) => (): void => {
    setAsking(open)
  }
  return (
    <View className="login__form" data-testid="login-identity">
      <Text className="login__name">{t.idleTitle}</Text>
      <Text className="login__note">{t.idleLead}</Text>
      <Field
        label={t.lastFour} value={lastFour} keyboard="idcard" maxLength={4} placeholder={t.lastFourPlaceholder} error={wrong}
        onChange={(text) => {
          setLastFour(tidyIdNumber(text).slice(0, 4))
        }}
        onEnter={submit} testId="login-last-four"
      />
      <FormError error={showing.error} />
      <Button text={t.idleSubmit} busy={showing.busy} onPress={submit} testId="login-identity-submit" />
      <Button kind="plain" text={t.newHolder} onPress={ask(true)} testId="login-new-holder" />
      <Button kind="link" className="login__other" text={t.startOver} onPress={onStartOver} testId="login-start-over" />
      <Confirm
        open={asking} title={t.newHolderAsk} text={t.newHolderText} action={t.newHolderYes} busy={beginning.busy}
        error={beginning.error} onConfirm={beginAnew} onClose={ask(false)} testId="login-new-holder-yes"
      />
    </View>
  )
}
