// Settings: large type, the account, leaving.
import { Text, View } from '@tarojs/components'
import { useState } from 'react'
import { Button } from '../../components/button'
import { Facts } from '../../components/facts'
import { Switch } from '../../components/nut'
import { Page } from '../../components/page'
import { Press } from '../../components/press'
import { Row } from '../../components/row'
import { Confirm } from '../../components/sheet'
import { useLargeType } from '../../hooks/useLargeType'
import { useMe } from '../../hooks/useMe'
import { useSubmit } from '../../hooks/useSubmit'
import { signOut } from '../../services/auth'
import { deleteAccount } from '../../services/residents'
import type { Me } from '../../services/types'
import { pageTitles, settings as t } from '../../texts'
import { shortMask } from '../../utils/idNumber'
import { go, replace, routes, tabs } from '../../utils/navigate'
import { toast } from '../../utils/platform'
import { clearSession } from '../../utils/session'
import './index.scss'

function LargeType() {
  const [large, toggle] = useLargeType()
  return (
    <View className="settings__card">
      <Press className="settings__row" role="checkbox" selected={large} onPress={toggle} label={t.large} testId="settings-large">
        <View className="settings__words">
          <Text className="settings__name">{t.large}</Text>
          <Text className="settings__hint">{t.largeHint}</Text>
        </View>
        <View className="settings__switch" aria-hidden><Switch checked={large} /></View>
      </Press>
      <Text className="settings__preview">{t.preview}</Text>
    </View>
  )
}

function Account({ me }: { me: Me }) {
  const [asking, setAsking] = useState<'sign-out' | 'delete'>()
  const leaving = useSubmit()
  const close = (): void => {
    setAsking(undefined)
    leaving.clear()
  }
  const leave = (): void => {
    setAsking(undefined)
    clearSession()
    replace(tabs.home)
  }
  const openPhone = (): void => {
    go(routes.phone())
  }
  const doSignOut = (): void => {
    void leaving.run(async () => {
      // Without a network the phone still forgets; the token ends by itself.
      await signOut().catch(() => undefined)
      leave()
    })
  }
  const doDelete = (): void => {
    void leaving.run(async () => {
      await deleteAccount()
      toast(t.deleted)
      leave()
    })
  }
  return (
    <>
      <View className="settings__card">
        <Facts facts={[[t.phone, me.phone ?? t.noPhone], [t.name, me.name], [t.idNumber, me.id_number ? shortMask(me.id_number) : null]]} />
      </View>
      <View className="rows"><Row icon="phone" title={t.changePhone} onPress={openPhone} testId="settings-phone" /></View>
      <Button kind="plain" text={t.signOut} testId="sign-out" onPress={() => {
        setAsking('sign-out')
      }} />
      <Button kind="link" className="settings__delete" text={t.delete} testId="delete-account" onPress={() => {
        setAsking('delete')
      }} />
      <Confirm
        open={asking === 'sign-out'} title={t.signOut} text={t.signOutAsk} action={t.signOut} busy={leaving.busy} error={leaving.error}
        onConfirm={doSignOut} onClose={close} testId="sign-out-confirm"
      />
      <Confirm
        open={asking === 'delete'} title={t.delete} text={t.deleteAsk} action={t.deleteConfirm} danger busy={leaving.busy} error={leaving.error}
        onConfirm={doDelete} onClose={close} testId="delete-account-confirm"
      />
    </>
  )
}

export default function SettingsPage() {
  const me = useMe()
  return (
    <Page title={pageTitles.settings}>
      <LargeType />
      {me ? <Account me={me} /> : null}
    </Page>
  )
}
