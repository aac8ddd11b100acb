// The last page of the form: what is there already, what is photographed, one look at everything, and handing it in.
import { Text, View } from '@tarojs/components'
import { Button } from '../../../components/button'
import { Facts } from '../../../components/facts'
import { Press } from '../../../components/press'
import { FormError } from '../../../components/states'
import { useSubmit } from '../../../hooks/useSubmit'
import { addMaterial, type Answers, type Material, removeMaterial } from '../../../services/births'
import { check, form as t } from '../../../texts/births'
import { takePhoto } from '../../../utils/photo'
import { toast } from '../../../utils/platform'
import { keepPhoto, sendPhoto, unsentPhoto } from '../../../utils/unsentPhotos'
import { Card, MaterialRow } from '../parts'

interface UploadProps {
  filingId: string
  material: Material
  onChanged: () => Promise<void>
}

/** The buttons under a material that has to be photographed. */
function Upload({ filingId, material, onChanged }: UploadProps) {
  const sending = useSubmit()
  const { kind, file_ids: taken } = material
  const send = async (): Promise<void> => {
    await sendPhoto(filingId, kind, (photo) => addMaterial(filingId, kind, photo))
    await onChanged()
    toast(t.sent)
  }
  const take = (): void => {
    void sending.run(async () => {
      const content = await takePhoto()
      if (!content) return
      keepPhoto(filingId, kind, content)
      await send()
    })
  }
  const sendAgain = (): void => {
    void sending.run(send)
  }
  const remove = (): void => {
    void sending.run(async () => {
      for (const file of taken) await removeMaterial(filingId, file)
      await onChanged()
      toast(t.removed)
    })
  }
  return (
    <>
      {taken.length > 0 ? <Text className="birth__note">{t.photos(taken.length)}</Text> : null}
      {unsentPhoto(filingId, kind) && !sending.busy ? (
        <>
          <Text className="birth__note">{t.unsent}</Text>
          <Button small text={t.sendAgain} onPress={sendAgain} testId={`photo-again-${kind}`} />
        </>
      ) : null}
      <View className="material__acts">
        <Button small kind={taken.length > 0 ? 'plain' : 'strong'} text={sending.busy ? t.sending : taken.length > 0 ? t.another : t.photo} busy={sending.busy} onPress={take} testId={`photo-${kind}`} />
        {taken.length > 0 ? <Button small kind="link" text={t.remove} disabled={sending.busy} onPress={remove} testId={`photo-remove-${kind}`} /> : null}
      </View>
      <FormError error={sending.error} />
    </>
  )
}

export function Materials({ filingId, materials, lead, onChanged }: Omit<UploadProps, 'material'> & { materials: Material[]; lead?: string }) {
  return (
    <Card title={t.materials}>
      {lead ? <Text className="birth__note">{lead}</Text> : null}
      {materials.map((material) => (
        <MaterialRow key={material.kind} material={material}>
          {material.may_upload ? <Upload filingId={filingId} material={material} onChanged={onChanged} /> : null}
        </MaterialRow>
      ))}
    </Card>
  )
}

function otherOf({ single_parent: alone, other_name: name }: Answers): string {
  return alone ? t.alone : name || t.asNoted
}

function deliveryOf({ delivery }: Answers): string {
  return delivery.way === 'pickup' ? t.pickup : [delivery.receiver, delivery.phone, delivery.address].join(' ')
}

/** Everything once more, in the words of the form. */
export function LastLook({ answers, optional }: { answers: Answers; optional: { code: string; name: string }[] }) {
  const wishes = optional.filter(({ code }) => answers.wanted.includes(code)).map(({ name }) => name)
  return (
    <Card title={t.look}>
      <Facts
        facts={[
          [t.child, answers.child_name],
          [t.householdName, answers.household_with === 'mother' ? check.mother : check.father],
          [t.other, otherOf(answers)],
          [t.wishes, wishes.join('、') || t.nothing],
          [t.deliveryName, deliveryOf(answers)],
        ]}
      />
    </Card>
  )
}

export function Truth({ on, onChange }: { on: boolean; onChange: (on: boolean) => void }) {
  const toggle = (): void => {
    onChange(!on)
  }
  return (
    <Press className={`choice__option ${on ? 'choice__option--on' : ''}`} role="checkbox" selected={on} onPress={toggle} testId="birth-truth">
      <View className={`choice__mark choice__mark--box ${on ? 'choice__mark--on' : ''}`} />
      <View className="choice__words"><Text className="choice__text">{t.truth}</Text></View>
    </Press>
  )
}

