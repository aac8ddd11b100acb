// Who a doctor is.
import { Text } from '@tarojs/components'
import { Facts } from '../../../components/facts'
import { Sheet } from '../../../components/sheet'
import { Loaded } from '../../../components/states'
import { useLoad } from '../../../hooks/useLoad'
import { fetchPractitioner } from '../../../services/directory'
import { booking as t } from '../../../texts'

export function DoctorSheet({ doctorId, onClose }: { doctorId: string | undefined; onClose: () => void }) {
  const doctor = useLoad(doctorId ?? null, () => fetchPractitioner(doctorId ?? ''))
  const title = [doctor.data?.name ?? t.aboutDoctor, doctor.data?.title].filter(Boolean).join(' ')
  return (
    <Sheet open={Boolean(doctorId)} title={title} onClose={onClose}>
      <Loaded of={doctor} rows={1}>
        {(one) => (
          <>
            <Facts facts={[[t.specialty, one.specialty]]} />
            {one.intro ? <Text className="sheet__text">{one.intro}</Text> : null}
          </>
        )}
      </Loaded>
    </Sheet>
  )
}
