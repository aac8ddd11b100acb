// Whom I act for, and who acts for me.
import { Text, View } from '@tarojs/components'
import { useState } from 'react'
import { Button } from '../../../components/button'
import { Guard } from '../../../components/guard'
import { Page } from '../../../components/page'
import { Confirm } from '../../../components/sheet'
import { Loaded } from '../../../components/states'
import { Tag } from '../../../components/tag'
import { usePatients } from '../../../hooks/usePatients'
import { useSubmit } from '../../../hooks/useSubmit'
import { removePatient } from '../../../services/patients'
import type { Patient } from '../../../services/types'
import { pageTitles, patients as t, relationNames, sexNames } from '../../../texts'
import { shortMask } from '../../../utils/idNumber'
import { go, routes } from '../../../utils/navigate'
import { toast } from '../../../utils/platform'
import { ConsentSheet } from './consentSheet'
import { Guardians } from './guardians'
import './index.scss'

const MOST = 6
const ADULT_AGE = 18

interface PatientCardProps {
  patient: Patient
  onRemove: () => void
  onConsent: () => void
}

function PatientCard({ patient, onRemove, onConsent }: PatientCardProps) {
  const { name, relation, id_number: idNumber, sex, age, state } = patient
  const about = [sexNames[sex], t.age(age), shortMask(idNumber)].filter(Boolean).join(' · ')
  return (
    <View className="person" data-testid="patient-item">
      <View className="person__words">
        <View className="person__top">
          <Text className="person__name">{name}</Text>
          <Tag text={relationNames[relation]} tone={relation === 'self' ? 'good' : 'info'} />
          {state === 'pending' ? <Tag text={t.pending} tone="wait" /> : null}
        </View>
        <Text className="person__about">{about}</Text>
        {state === 'pending' && age >= ADULT_AGE
          ? <Button kind="link" small className="person__consent" text={t.byCode} onPress={onConsent} testId="patient-consent" />
          : null}
      </View>
      {relation === 'self' ? null : <Button kind="link" small className="person__act person__act--bad" text={t.remove} onPress={onRemove} testId="patient-remove" />}
    </View>
  )
}

function Removing({ patient, onClose, onRemoved }: { patient: Patient | undefined; onClose: () => void; onRemoved: () => void }) {
  const removing = useSubmit()
  const remove = (): void => {
    void removing.run(async () => {
      if (!patient) return
      await removePatient(patient.id)
      toast(t.removed)
      onRemoved()
    })
  }
  return (
    <Confirm
      open={Boolean(patient)} title={t.remove} text={t.removeAsk(patient?.name ?? '')} action={t.remove} danger
      busy={removing.busy} error={removing.error} onConfirm={remove} onClose={onClose} testId="patient-remove-confirm"
    />
  )
}

function Patients() {
  const patients = usePatients()
  const [leaving, setLeaving] = useState<Patient>()
  const [consenting, setConsenting] = useState<Patient>()
  const add = (): void => {
    go(routes.patientAdd())
  }
  const stay = (): void => {
    setLeaving(undefined)
    setConsenting(undefined)
  }
  const changed = (): void => {
    stay()
    patients.reload()
  }
  return (
    <Loaded of={patients}>
      {(all) => {
        const left = MOST - all.filter((patient) => patient.relation !== 'self').length
        return (
          <>
            <View className="people">
              {all.map((patient) => (
                <PatientCard
                  patient={patient} key={patient.id}
                  onRemove={() => {
                    setLeaving(patient)
                  }}
                  onConsent={() => {
                    setConsenting(patient)
                  }}
                />
              ))}
            </View>
            <Button text={t.add} disabled={left <= 0} onPress={add} testId="patient-add" />
            <Text className="people__note">{left > 0 ? t.limit(left) : t.full}</Text>
            <Guardians />
            {consenting ? <ConsentSheet patient={consenting} key={consenting.id} onClose={stay} onGiven={changed} /> : null}
            <Removing patient={leaving} onClose={stay} onRemoved={changed} />
          </>
        )
      }}
    </Loaded>
  )
}

export default function PatientsPage() {
  return (
    <Page title={pageTitles.patients}>
      <Guard realName>{() => <Patients />}</Guard>
    </Page>
  )
}
