// The health code: shown at the counter, for oneself or someone one acts for.
import { Text, View } from '@tarojs/components'
import Taro, { useDidHide, useDidShow } from '@tarojs/taro'
import { useEffect, useRef, useState } from 'react'
import { Button } from '../../../components/button'
import { Guard } from '../../../components/guard'
import { Icon, type IconName } from '../../../components/icon'
import { Page } from '../../../components/page'
import { PatientPicker } from '../../../components/patientPicker'
import { Press } from '../../../components/press'
import { QR } from '../../../components/qr'
import { Empty, Failed, Loaded, Loading } from '../../../components/states'
import { useCountdown } from '../../../hooks/useCountdown'
import { type HealthCode, useHealthCode } from '../../../hooks/useHealthCode'
import { usePatients } from '../../../hooks/usePatients'
import type { Patient } from '../../../services/types'
import { code as t, pageTitles } from '../../../texts'
import { shortMask } from '../../../utils/idNumber'
import { go, routes } from '../../../utils/navigate'
import { brighten, isTriedOut, isWeapp, toast } from '../../../utils/platform'
import { askSubscriptions, prepareSubscriptions } from '../../../utils/subscribe'
import './index.scss'

/** The screen is at its brightest for as long as the code is on it. */
function useBrightScreen(): void {
  const undo = useRef<() => void>(() => undefined)
  useDidShow(() => {
    undo.current = brighten()
  })
  useDidHide(() => {
    undo.current()
  })
}

function Picture({ health, name }: { health: HealthCode; name: string }) {
  const { code, error, refresh, busy } = health
  const left = useCountdown(code?.changesAt)
  if (error?.isOffline && !code) return <Empty icon="offline" text={t.offlineGone} action={<Button kind="plain" small text={t.refresh} busy={busy} onPress={refresh} />} />
  if (error && !code) return <Failed error={error} onRetry={refresh} />
  if (!code) return <Loading rows={2} />
  return (
    <View className="code__picture">
      <QR
        text={code.text} label={t.alt(name)} testId="code-qr"
        data={{ 'data-code-text': code.text, 'data-code-offline': String(code.offline) }}
      />
      {code.offline ? (
        <View className="code__offline" data-testid="code-offline">
          <View className="code__offline-icon"><Icon name="offline" size={20} /></View>
          <Text>{t.offline}</Text>
        </View>
      ) : null}
      <View className="code__refresh">
        <Text className="code__left" aria-live="off">{busy || left === 0 ? t.refreshing : t.refreshIn(left)}</Text>
        <Press className="code__again" onPress={refresh} disabled={busy} testId="code-refresh">
          <Icon name="refresh" size={20} />
          <Text className="code__again-text">{t.refresh}</Text>
        </Press>
      </View>
    </View>
  )
}

/** Where the code is tried out on one machine, a scanner is a text field in the next window. */
function Copy({ text }: { text: string }) {
  const copy = (): void => {
    void Taro.setClipboardData({ data: text }).then(() => {
      toast(t.copied)
    })
  }
  return <Button kind="link" small text={t.copy} onPress={copy} testId="code-copy" />
}

function Card({ patient }: { patient: Patient }) {
  const health = useHealthCode(patient.id)
  return (
    <View className="code__card">
      <Text className="code__band">{t.national}</Text>
      <View className="code__who">
        <Text className="code__name">{patient.name}</Text>
        <Text className="code__id">{shortMask(patient.id_number)}</Text>
      </View>
      <Picture health={health} name={patient.name} />
      <Text className="code__scan">{t.scanHint}</Text>
      <View className="code__bright">
        <View className="code__bright-icon"><Icon name="sun" size={20} /></View>
        <Text>{isWeapp ? t.brightAuto : t.bright}</Text>
      </View>
      {isTriedOut() && health.code ? <Copy text={health.code.text} /> : null}
    </View>
  )
}

function Way({ icon, text, hint, onPress, testId }: { icon: IconName; text: string; hint: string; onPress: () => void; testId: string }) {
  return (
    <Press className="code__way" onPress={onPress} testId={testId}>
      <View className="code__way-icon"><Icon name={icon} size={24} /></View>
      <View className="code__way-words">
        <Text className="code__way-text">{text}</Text>
        <Text className="code__way-hint">{hint}</Text>
      </View>
      <Icon name="forward" size={20} />
    </Press>
  )
}

/** In WeChat: be told when the code is used. Coming here is no tap, so this is one. */
function Notify() {
  useEffect(() => {
    void prepareSubscriptions()
  }, [])
  if (!isWeapp) return null
  const ask = (): void => {
    void askSubscriptions('code').then(() => {
      toast(t.notifyAsked)
    })
  }
  return <Way icon="message" text={t.notify} hint={t.notifyHint} onPress={ask} testId="code-notify" />
}

function Codes() {
  const patients = usePatients()
  const [chosen, setChosen] = useState<string>()
  useBrightScreen()
  const choose = (patient: Patient): void => {
    setChosen(patient.id)
  }
  const seeUses = (): void => {
    go(routes.codeUses())
  }
  const seePrinted = (): void => {
    go(routes.printedCode())
  }
  return (
    <Loaded of={patients}>
      {(all) => {
        const usable = all.filter((patient) => patient.state === 'active')
        const patient = usable.find((one) => one.id === chosen) ?? usable[0]
        return (
          <>
            {usable.length > 1 ? <PatientPicker patients={usable} chosen={patient?.id} onChoose={choose} label={t.who} /> : null}
            {patient ? <Card patient={patient} key={patient.id} /> : null}
            <Notify />
            <Way icon="clock" text={t.uses} hint={t.usesHint} onPress={seeUses} testId="code-uses" />
            <Way icon="print" text={t.printed} hint={t.printedHint} onPress={seePrinted} testId="code-printed" />
            <Text className="code__secret">{t.secret}</Text>
          </>
        )
      }}
    </Loaded>
  )
}

export default function CodePage() {
  return (
    <Page title={pageTitles.code} tab>
      <Guard realName>{() => <Codes />}</Guard>
    </Page>
  )
}
