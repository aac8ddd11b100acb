// An adult who does not use the app agrees by the code on his own phone.
import { Text } from '@tarojs/components'
import { Button } from '../../../components/button'
import { Sheet } from '../../../components/sheet'
import { SmsCodeFields, useSmsCode } from '../../../components/smsCode'
import { FormError } from '../../../components/states'
import { useSubmit } from '../../../hooks/useSubmit'
import { askConsent, giveConsent } from '../../../services/patients'
import type { Patient } from '../../../services/types'
import { patients as t } from '../../../texts'
import { toast } from '../../../utils/platform'

interface ConsentSheetProps {
  patient: Patient
  onClose: () => void
  onGiven: () => void
}

export function ConsentSheet({ patient, onClose, onGiven }: ConsentSheetProps) {
  const sms = useSmsCode()
  const giving = useSubmit()
  const send = (phone: string): Promise<{ resend_after_s: number }> => askConsent(patient.id, phone)
  const give = (): void => {
    if (!sms.check()) return
    void giving.run(async () => {
      await giveConsent(patient.id, sms.phone, sms.code)
      toast(t.consentDone)
      onGiven()
    })
  }
  return (
    <Sheet open title={t.byCodeTitle(patient.name)} onClose={onClose}>
      <Text className="sheet__text">{t.byCodeLead}</Text>
      <SmsCodeFields sms={sms} phoneLabel={t.theirPhone} send={send} onEnter={give} name="consent" />
      <FormError error={giving.error} />
      <Button text={t.consentSubmit} busy={giving.busy} onPress={give} testId="consent-submit" />
    </Sheet>
  )
}
