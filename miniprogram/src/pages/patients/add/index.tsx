// Adding someone to act for.
import { Text, View } from '@tarojs/components'
import { useState } from 'react'
import { Button } from '../../../components/button'
import { Field } from '../../../components/field'
import { Guard } from '../../../components/guard'
import { Page } from '../../../components/page'
import { Press } from '../../../components/press'
import { FormError } from '../../../components/states'
import { useSubmit } from '../../../hooks/useSubmit'
import { addPatient, type NewPatient } from '../../../services/patients'
import { login, pageTitles, patients as t, realname, relationNames } from '../../../texts'
import { isIdNumber, isPhone, tidyIdNumber } from '../../../utils/idNumber'
import { goBack } from '../../../utils/navigate'
import { toast } from '../../../utils/platform'
import './index.scss'

const RELATIONS: NewPatient['relation'][] = ['child', 'parent', 'spouse', 'other']

interface Wrong {
  name?: string | undefined
  id?: string | undefined
  phone?: string | undefined
}

function wrongsOf(name: string, idNumber: string, phone: string): Wrong {
  return {
    name: name.trim().length >= 2 ? undefined : realname.nameWrong,
    id: isIdNumber(idNumber) ? undefined : realname.idWrong,
    phone: phone === '' || isPhone(phone) ? undefined : login.phoneWrong,
  }
}

function Relations({ chosen, onChoose }: { chosen: NewPatient['relation']; onChoose: (relation: NewPatient['relation']) => void }) {
  return (
    <View className="relations" role="radiogroup" aria-label={t.relation}>
      {RELATIONS.map((relation) => (
        <Press
          key={relation} role="radio" selected={relation === chosen} testId={`relation-${relation}`}
          className={`relations__one ${relation === chosen ? 'relations__one--on' : ''}`}
          onPress={() => {
            onChoose(relation)
          }}
        >
          <Text>{relationNames[relation]}</Text>
        </Press>
      ))}
    </View>
  )
}

function AddForm() {
  const [relation, setRelation] = useState<NewPatient['relation']>('child')
  const [name, setName] = useState('')
  const [idNumber, setIdNumber] = useState('')
  const [phone, setPhone] = useState('')
  const [wrong, setWrong] = useState<Wrong>({})
  const submitting = useSubmit()
  const submit = (): void => {
    const found = wrongsOf(name, idNumber, phone)
    setWrong(found)
    if (found.name || found.id || found.phone) return
    void submitting.run(async () => {
      const wanted = { relation, name: name.trim(), id_number: idNumber, ...(phone ? { phone } : {}) }
      const added = await addPatient(wanted)
      toast(added.state === 'pending' ? t.addedPending : t.addedActive)
      goBack()
    })
  }
  return (
    <View className="add">
      <Text className="add__lead">{t.addLead}</Text>
      <View className="add__group">
        <Text className="add__label">{t.relation}</Text>
        <Relations chosen={relation} onChoose={setRelation} />
      </View>
      <Field label={t.addName} value={name} maxLength={50} placeholder={realname.namePlaceholder} error={wrong.name} onChange={setName} testId="patient-name" />
      <Field
        label={t.addId} value={idNumber} keyboard="idcard" maxLength={22} placeholder={realname.idNumberPlaceholder} error={wrong.id} testId="patient-id"
        onChange={(text) => {
          setIdNumber(tidyIdNumber(text).slice(0, 18))
        }}
      />
      {relation === 'child' ? null : (
        <Field
          label={t.addPhone} value={phone} keyboard="digits" maxLength={13} placeholder={login.phonePlaceholder} error={wrong.phone} hint={t.addPhoneHint} testId="patient-phone"
          onChange={(text) => {
            setPhone(text.replace(/\D/g, '').slice(0, 11))
          }}
        />
      )}
      <FormError error={submitting.error} />
      <Button text={t.submit} busy={submitting.busy} onPress={submit} testId="patient-submit" />
      <Text className="add__note">{t.addAdult}</Text>
    </View>
  )
}

export default function PatientAddPage() {
  return (
    <Page title={pageTitles.patientAdd}>
      <Guard realName>{() => <AddForm />}</Guard>
    </Page>
  )
}
