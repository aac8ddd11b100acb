// Real name: the name and ID number, checked once against the city's register.
import { Text, View } from '@tarojs/components'
import { useEffect, useState } from 'react'
import { Button } from '../../components/button'
import { Field } from '../../components/field'
import { Guard } from '../../components/guard'
import { Icon } from '../../components/icon'
import { Page } from '../../components/page'
import { Empty, FormError } from '../../components/states'
import { useSubmit } from '../../hooks/useSubmit'
import { confirmRealName } from '../../services/residents'
import { pageTitles, realname as t } from '../../texts'
import { isIdNumber, tidyIdNumber } from '../../utils/idNumber'
import { goBack, replace, tabs } from '../../utils/navigate'
import { toast } from '../../utils/platform'
import { saveMe } from '../../utils/session'
import { askSubscriptions, prepareSubscriptions } from '../../utils/subscribe'
import './index.scss'

function RealNameForm() {
  const [name, setName] = useState('')
  const [idNumber, setIdNumber] = useState('')
  const [wrong, setWrong] = useState<{ name?: string; id?: string }>({})
  const submitting = useSubmit()
  useEffect(() => {
    void prepareSubscriptions()
  }, [])
  const submit = (): void => {
    const found = {
      name: name.trim().length >= 2 ? undefined : t.nameWrong,
      id: isIdNumber(idNumber) ? undefined : t.idWrong,
    }
    setWrong(found)
    if (found.name || found.id) return
    void submitting.run(async () => {
      await askSubscriptions('realname')
      const { access_token: token, ...me } = await confirmRealName(name.trim(), idNumber)
      saveMe(me, token)
      toast(t.done)
      goBack()
    })
  }
  return (
    <View className="realname">
      <Text className="realname__lead">{t.lead}</Text>
      <Field label={t.name} value={name} maxLength={50} placeholder={t.namePlaceholder} error={wrong.name} onChange={setName} testId="realname-name" />
      <Field
        label={t.idNumber} value={idNumber} keyboard="idcard" maxLength={22} placeholder={t.idNumberPlaceholder} error={wrong.id}
        onChange={(text) => {
          setIdNumber(tidyIdNumber(text).slice(0, 18))
        }}
        onEnter={submit} testId="realname-id"
      />
      <FormError error={submitting.error} />
      <Button text={t.submit} busy={submitting.busy} onPress={submit} testId="realname-submit" />
      <View className="realname__why">
        <View className="realname__why-icon"><Icon name="shield" size={20} /></View>
        <Text className="realname__why-text">{t.why}</Text>
      </View>
    </View>
  )
}

export default function RealNamePage() {
  const goHome = (): void => {
    replace(tabs.home)
  }
  return (
    <Page title={pageTitles.realname}>
      <Guard>
        {(me) => me.real_name
          ? <Empty icon="shield" text={t.already} hint={t.alreadyHint} action={<Button text={t.goHome} onPress={goHome} />} />
          : <RealNameForm />}
      </Guard>
    </Page>
  )
}
