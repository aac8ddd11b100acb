// Welcome and sign-in: WeChat where there is WeChat, a code by SMS everywhere.
import { Text, View } from '@tarojs/components'
import { useRouter } from '@tarojs/taro'
import { useEffect, useRef, useState } from 'react'
import { Button } from '../../components/button'
import { Icon } from '../../components/icon'
import { Page } from '../../components/page'
import { PhoneButton } from '../../components/phoneButton'
import { Press } from '../../components/press'
import { Confirm } from '../../components/sheet'
import { FormError } from '../../components/states'
import { useCityName } from '../../hooks/useCityName'
import { useSubmit } from '../../hooks/useSubmit'
import { loginByMiniProgramPhone, loginBySms, loginByTicket, loginByTicketPhone } from '../../services/auth'
import type { LoginAnswer, TokenPair } from '../../services/types'
import { login as t, pageTitles } from '../../texts'
import { errorFromAnswer } from '../../utils/apiError'
import { go, goAfterSignIn, goBack, routes } from '../../utils/navigate'
import { isWeapp, isWechatBrowser, toast } from '../../utils/platform'
import { finishSignIn, identityTicketOf, leaveForWechat, signInByMiniProgram } from '../../utils/signIn'
import { IdentityForm } from './identityForm'
import { SmsForm } from './smsForm'
import './index.scss'

/** Consent is asked for once, before anything personal leaves the phone. */
function useConsent() {
  const [agreed, setAgreed] = useState(false)
  const [asking, setAsking] = useState(false)
  const wanted = useRef<() => void>(() => undefined)
  return {
    agreed,
    setAgreed,
    asking,
    withConsent: (action: () => void): void => {
      wanted.current = action
      if (agreed) action()
      else setAsking(true)
    },
    giveConsent: (): void => {
      setAgreed(true)
      setAsking(false)
      wanted.current()
    },
    refuse: (): void => {
      setAsking(false)
    },
  }
}

function Agreement({ agreed, onChange }: { agreed: boolean; onChange: (agreed: boolean) => void }) {
  const toggle = (): void => {
    onChange(!agreed)
  }
  const read = (): void => {
    go(routes.about())
  }
  return (
    <View className="login__agree">
      <Press className="login__agree-tick" role="checkbox" selected={agreed} onPress={toggle} label={`${t.agree}${t.terms}`} testId="login-agree">
        <View className={`login__box ${agreed ? 'login__box--on' : ''}`} />
        <Text className="login__agree-text">{t.agree}</Text>
      </Press>
      <Press className="login__terms" role="link" onPress={read} testId="login-terms">{t.terms}</Press>
    </View>
  )
}

/** Where a sign-in stands: who answers, and which ticket waits for a phone number. */
function useSignIn() {
  const [ticket, setTicket] = useState<string | null>(null)
  const [identityTicket, setIdentityTicket] = useState<string | null>(null)
  const wechat = useSubmit()
  const done = (): void => {
    toast(t.success)
    goAfterSignIn()
  }
  const take = (answer: LoginAnswer): void => {
    if (answer.tokens) {
      finishSignIn(answer.tokens)
      done()
    } else {
      setTicket(answer.login_ticket)
    }
  }
  const enter = (tokens: TokenPair): void => {
    finishSignIn(tokens)
    done()
  }
  /** A proven phone leads to the account, or to one more question. */
  const withPhone = async (how: () => Promise<void>): Promise<void> => {
    try {
      await how()
    } catch (error) {
      const asked = identityTicketOf(error)
      if (!asked) throw error
      setIdentityTicket(asked)
    }
  }
  const bySms = (phone: string, code: string): Promise<void> => withPhone(async () => {
    if (ticket && !isWeapp) take(await loginByTicketPhone(ticket, phone, code))
    else enter(await loginBySms(phone, code))
  })
  const startOver = (): void => {
    setIdentityTicket(null)
    setTicket(null)
  }
  return { ticket, identityTicket, wechat, take, withPhone, bySms, enter, startOver }
}

type Consent = ReturnType<typeof useConsent>
type SignIn = ReturnType<typeof useSignIn>

/** A redirect from WeChat brings a ticket, or the code of what went wrong. */
function useRedirect({ take, wechat: { run } }: SignIn): void {
  const { ticket, error } = useRouter<{ ticket?: string; error?: string }>().params
  const takeLatest = useRef(take)
  takeLatest.current = take
  useEffect(() => {
    if (error) void run(() => Promise.reject(errorFromAnswer(400, { error: { code: error } })))
    if (ticket) void run(async () => {
      takeLatest.current(await loginByTicket(ticket))
    })
  }, [ticket, error, run])
}

function Ways({ signIn, consent }: { signIn: SignIn; consent: Consent }) {
  const { ticket, wechat, take, withPhone, bySms } = signIn
  const hasWechat = isWeapp || isWechatBrowser()
  const [sms, setSms] = useState(!hasWechat)
  const byWechat = (): void => {
    consent.withConsent(() => {
      if (!isWeapp) leaveForWechat()
      else void wechat.run(async () => {
        take(await signInByMiniProgram())
      })
    })
  }
  const givePhone = (phoneCode: string): void => {
    void wechat.run(() => withPhone(async () => {
      if (ticket) take(await loginByMiniProgramPhone(ticket, phoneCode))
    }))
  }
  const chooseSms = (): void => {
    setSms(true)
  }
  const phoneRefused = (): void => {
    toast(t.phoneRefused)
    setSms(true)
  }
  const showForm = sms || (Boolean(ticket) && !isWeapp)
  return (
    <View className="login__card">
      {ticket ? <Text className="login__note">{t.phoneNeeded}</Text> : null}
      <FormError error={wechat.error} />
      {isWeapp && ticket && !sms ? <PhoneButton text={t.wechatPhone} onCode={givePhone} onRefused={phoneRefused} /> : null}
      {hasWechat && !ticket ? <Button text={t.wechat} busy={wechat.busy} onPress={byWechat} testId="login-wechat" /> : null}
      {showForm ? <SmsForm withConsent={consent.withConsent} onSubmit={bySms} /> : null}
      {showForm ? null : <Button kind="link" className="login__other" text={t.bySms} onPress={chooseSms} testId="login-by-sms" />}
      <Agreement agreed={consent.agreed} onChange={consent.setAgreed} />
    </View>
  )
}

export default function LoginPage() {
  const cityName = useCityName()
  const consent = useConsent()
  const signIn = useSignIn()
  useRedirect(signIn)
  return (
    <Page title={pageTitles.login} className="login">
      <View className="login__welcome">
        <View className="login__mark"><Icon name="shield" size={40} /></View>
        <Text className="login__name">{cityName}</Text>
        <Text className="login__slogan">{t.slogan}</Text>
      </View>
      {signIn.identityTicket
        ? <View className="login__card"><IdentityForm ticket={signIn.identityTicket} onSignedIn={signIn.enter} onStartOver={signIn.startOver} /></View>
        : <Ways signIn={signIn} consent={consent} />}
      <View className="login__points">
        {t.points.map((point) => (
          <View className="login__point" key={point}>
            <View className="login__point-icon"><Icon name="done" size={22} /></View>
            <Text className="login__point-text">{point}</Text>
          </View>
        ))}
      </View>
      <Button kind="link" className="login__other" text={t.later} onPress={goBack} testId="login-later" />
      <Confirm
        open={consent.asking} title={t.agreeFirst} text={t.agreeText} action={t.agreeAndLogin}
        onConfirm={consent.giveConsent} onClose={consent.refuse} testId="login-agree-continue"
      />
    </Page>
  )
}
