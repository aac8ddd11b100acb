// What the patient himself may do with a referral: wish for another time, take it back.
import { Text, Textarea } from '@tarojs/components'
import { useState } from 'react'
import { Button } from '../../../components/button'
import { Confirm, Sheet } from '../../../components/sheet'
import { FormError } from '../../../components/states'
import { useSubmit } from '../../../hooks/useSubmit'
import { type Referral, wishReferral, withdrawReferral } from '../../../services/referrals'
import { referrals as t } from '../../../texts/referrals'
import { toast } from '../../../utils/platform'

interface ActionsProps {
  referral: Referral
  onChanged: (referral: Referral) => void
}

interface WishProps extends ActionsProps {
  open: boolean
  onClose: () => void
}

function Wish({ referral, open, onClose, onChanged }: WishProps) {
  const [text, setText] = useState('')
  const wishing = useSubmit()
  const send = (): void => {
    void wishing.run(async () => {
      onChanged(await wishReferral(referral.id, text.trim()))
      toast(t.wished)
      onClose()
    })
  }
  return (
    <Sheet open={open} title={t.wish} onClose={onClose}>
      <Text className="sheet__text">{t.wishLead}</Text>
      <Textarea
        className="journey__wish" value={text} maxlength={200} placeholder={t.wishPlaceholder} nativeProps={{ 'aria-label': t.wishText }}
        onInput={(event) => {
          setText(event.detail.value)
        }}
        data-testid="referral-wish-text"
      />
      <FormError error={wishing.error} />
      <Button text={t.wishSend} busy={wishing.busy} disabled={text.trim() === ''} onPress={send} testId="referral-wish-send" />
    </Sheet>
  )
}

export function Actions({ referral, onChanged }: ActionsProps) {
  const [asking, setAsking] = useState<'wish' | 'withdraw'>()
  const withdrawing = useSubmit()
  const close = (): void => {
    setAsking(undefined)
    withdrawing.clear()
  }
  const withdraw = (): void => {
    void withdrawing.run(async () => {
      onChanged(await withdrawReferral(referral.id))
      toast(t.withdrawn)
      setAsking(undefined)
    })
  }
  return (
    <>
      {referral.can.includes('wish') ? (
        <Button className="journey__wide" kind="plain" text={t.wish} onPress={() => { setAsking('wish') }} testId="referral-wish" />
      ) : null}
      {referral.can.includes('withdraw') ? (
        <Button className="journey__wide" kind="danger" text={t.withdraw} onPress={() => { setAsking('withdraw') }} testId="referral-withdraw" />
      ) : null}
      <Wish referral={referral} open={asking === 'wish'} onClose={close} onChanged={onChanged} />
      <Confirm
        open={asking === 'withdraw'} title={t.withdraw} text={t.withdrawAsk} action={t.withdraw} danger
        busy={withdrawing.busy} error={withdrawing.error} onConfirm={withdraw} onClose={close} testId="referral-withdraw-yes"
      />
    </>
  )
}
