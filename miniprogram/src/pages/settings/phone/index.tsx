// Moving the account to another phone number.
import { Text, View } from '@tarojs/components'
import { useState } from 'react'
import { Button } from '../../../components/button'
import { Field } from '../../../components/field'
import { Guard } from '../../../components/guard'
import { Page } from '../../../components/page'
import { SmsCodeFields, useSmsCode } from '../../../components/smsCode'
import { FormError } from '../../../components/states'
import { useSubmit } from '../../../hooks/useSubmit'
import { changePhone } from '../../../services/residents'
import type { Me } from '../../../services/types'
import { pageTitles, realname, settings as t } from '../../../texts'
import { isIdNumber, tidyIdNumber } from '../../../utils/idNumber'
import { goBack } from '../../../utils/navigate'
import { toast } from '../../../utils/platform'
import { saveTokens } from '../../../utils/session'
import '../index.scss'

function PhoneForm({ me }: { me: Me }) {
  const sms = useSmsCode()
  const [idNumber, setIdNumber] = useState('')
  const [wrongId, setWrongId] = useState<string>()
  const submitting = useSubmit()
  const submit = (): void => {
    const idWrong = me.real_name && !isIdNumber(idNumber) ? realname.idWrong : undefined
    setWrongId(idWrong)
    if (!sms.check() || idWrong) return
    void submitting.run(async () => {
      const proof = me.real_name ? { id_number: idNumber } : {}
      saveTokens(await changePhone({ phone: sms.phone, code: sms.code, ...proof }))
      toast(t.changed)
      goBack()
    })
  }
  return (
    <View className="settings__card settings__card--form">
      <Text className="settings__hint">{t.changePhoneLead}</Text>
      <SmsCodeFields sms={sms} phoneLabel={t.newPhone} onEnter={submit} name="phone" />
      {me.real_name ? (
        <Field
          label={realname.idNumber} value={idNumber} keyboard="idcard" maxLength={22} placeholder={realname.idNumberPlaceholder} error={wrongId}
          onChange={(text) => {
            setIdNumber(tidyIdNumber(text).slice(0, 18))
          }}
          onEnter={submit} testId="phone-id"
        />
      ) : null}
      <FormError error={submitting.error} />
      <Button text={t.changePhone} busy={submitting.busy} onPress={submit} testId="phone-submit" />
    </View>
  )
}

export default function PhonePage() {
  return (
    <Page title={pageTitles.phone}>
      <Guard>{(me) => <PhoneForm me={me} />}</Guard>
    </Page>
  )
}
