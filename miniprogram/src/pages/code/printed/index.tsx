// The printed code: for someone without a phone; stopped at any time.
import { Text, View } from '@tarojs/components'
import { useState } from 'react'
import { Button } from '../../../components/button'
import { Guard } from '../../../components/guard'
import { Page } from '../../../components/page'
import { PatientPicker } from '../../../components/patientPicker'
import { QR } from '../../../components/qr'
import { Confirm } from '../../../components/sheet'
import { FormError, Loaded } from '../../../components/states'
import { useLoad } from '../../../hooks/useLoad'
import { usePatients } from '../../../hooks/usePatients'
import { useSubmit } from '../../../hooks/useSubmit'
import { createStaticCode, listStaticCodes, revokeStaticCode } from '../../../services/healthcodes'
import type { Patient, StaticCode } from '../../../services/types'
import { pageTitles, printed as t } from '../../../texts'
import { toast } from '../../../utils/platform'
import { formatInstant } from '../../../utils/time'
import './index.scss'

function Printed({ code, who, onRevoke }: { code: StaticCode; who: string | undefined; onRevoke: () => void }) {
  return (
    <View className="printed__card" data-testid="static-item">
      {who ? <Text className="printed__who">{who}</Text> : null}
      <QR text={code.text} label={t.alt} size="small" testId="static-qr" data={{ 'data-code-text': code.text }} />
      <Text className="printed__at">{t.createdAt(formatInstant(code.created_at))}</Text>
      <Text className="printed__hint">{t.saveHint}</Text>
      <Button kind="danger" small className="printed__revoke" text={t.revoke} onPress={onRevoke} testId="static-revoke" />
    </View>
  )
}

function PrintedCodes() {
  const patients = usePatients()
  const codes = useLoad('static', listStaticCodes)
  const [chosen, setChosen] = useState<string>()
  const [leaving, setLeaving] = useState<StaticCode>()
  const making = useSubmit()
  const revoking = useSubmit()
  const usable = patients.data?.filter((patient) => patient.state === 'active') ?? []
  const patientId = chosen ?? usable[0]?.id
  const nameOf = (code: StaticCode): string | undefined => usable.find((patient) => patient.id === code.patient_id)?.name

  const choose = (patient: Patient): void => {
    setChosen(patient.id)
  }
  const make = (): void => {
    void making.run(async () => {
      if (!patientId) return
      await createStaticCode(patientId)
      toast(t.made)
      codes.reload()
    })
  }
  const revoke = (): void => {
    void revoking.run(async () => {
      if (!leaving) return
      await revokeStaticCode(leaving.id)
      toast(t.revoked)
      setLeaving(undefined)
      codes.reload()
    })
  }
  return (
    <>
      <View className="printed__make">
        <Text className="printed__lead">{t.lead}</Text>
        <Text className="printed__hint">{t.hint}</Text>
        {usable.length > 1 ? <PatientPicker patients={usable} chosen={patientId} onChoose={choose} label={t.who} /> : null}
        <FormError error={making.error} />
        <Button text={t.make} busy={making.busy} disabled={!patientId} onPress={make} testId="static-create" />
      </View>
      <Loaded of={codes} rows={1}>
        {(all) => all.map((code) => (
          <Printed
            key={code.id} code={code} who={nameOf(code)}
            onRevoke={() => {
              setLeaving(code)
            }}
          />
        ))}
      </Loaded>
      <Confirm
        open={Boolean(leaving)} title={t.revoke} text={t.revokeAsk} action={t.revoke} danger busy={revoking.busy} error={revoking.error}
        onConfirm={revoke} testId="static-revoke-confirm"
        onClose={() => {
          setLeaving(undefined)
        }}
      />
    </>
  )
}

export default function PrintedCodePage() {
  return (
    <Page title={pageTitles.printedCode}>
      <Guard realName>{() => <PrintedCodes />}</Guard>
    </Page>
  )
}
