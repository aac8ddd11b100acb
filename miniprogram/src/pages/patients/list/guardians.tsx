// Who acts, or asks to act, for me.
import { Text, View } from '@tarojs/components'
import { useState } from 'react'
import { Button } from '../../../components/button'
import { Confirm } from '../../../components/sheet'
import { FormError, Loaded } from '../../../components/states'
import { Tag } from '../../../components/tag'
import { useLoad } from '../../../hooks/useLoad'
import { useSubmit } from '../../../hooks/useSubmit'
import { acceptGuardian, listGuardians, removeGuardian } from '../../../services/patients'
import type { Guardian } from '../../../services/types'
import { guardianNames, patients as t } from '../../../texts'
import { toast } from '../../../utils/platform'

interface GuardianCardProps {
  guardian: Guardian
  onAccept: () => void
  onRemove: () => void
}

function GuardianCard({ guardian, onAccept, onRemove }: GuardianCardProps) {
  const pending = guardian.state === 'pending'
  return (
    <View className="person person--tall" data-testid="guardian-item">
      <View className="person__top">
        <Text className="person__name">{guardian.name}</Text>
        <Tag text={guardianNames[guardian.relation]} tone="info" />
        {pending ? <Tag text={t.asks} tone="wait" /> : null}
      </View>
      <View className="person__acts">
        {pending ? <Button small text={t.accept} onPress={onAccept} testId="guardian-accept" /> : null}
        <Button kind="danger" small text={pending ? t.refuse : t.revoke} onPress={onRemove} testId="guardian-revoke" />
      </View>
    </View>
  )
}

export function Guardians() {
  const guardians = useLoad('guardians', listGuardians, true)
  const [leaving, setLeaving] = useState<Guardian>()
  const accepting = useSubmit()
  const removing = useSubmit()
  const accept = (guardian: Guardian): void => {
    void accepting.run(async () => {
      await acceptGuardian(guardian.id)
      toast(t.accepted)
      guardians.reload()
    })
  }
  const refusing = leaving?.state === 'pending'
  const leavingName = leaving?.name ?? ''
  const remove = (): void => {
    void removing.run(async () => {
      if (!leaving) return
      await removeGuardian(leaving.id)
      toast(refusing ? t.refused : t.revoked)
      setLeaving(undefined)
      guardians.reload()
    })
  }
  return (
    <View className="guardians">
      <Text className="guardians__title">{t.guardians}</Text>
      <Loaded of={guardians} rows={1}>
        {(all) => all.length === 0 ? <Text className="people__note">{t.noGuardians}</Text> : (
          <>
            <Text className="people__note">{t.guardiansHint}</Text>
            <FormError error={accepting.error} />
            <View className="people">
              {all.map((guardian) => (
                <GuardianCard
                  guardian={guardian} key={guardian.id}
                  onAccept={() => {
                    accept(guardian)
                  }}
                  onRemove={() => {
                    setLeaving(guardian)
                  }}
                />
              ))}
            </View>
          </>
        )}
      </Loaded>
      <Confirm
        open={Boolean(leaving)} title={refusing ? t.refuse : t.revoke}
        text={refusing ? t.refuseAsk(leavingName) : t.revokeAsk(leavingName)}
        action={refusing ? t.refuse : t.revoke} danger busy={removing.busy} error={removing.error}
        onConfirm={remove} testId="guardian-revoke-confirm"
        onClose={() => {
          setLeaving(undefined)
        }}
      />
    </View>
  )
}
