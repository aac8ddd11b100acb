// The files of a document in the life-long file: a text is read here, anything else opens like a report's original.
import { Text } from '@tarojs/components'
import { useState } from 'react'
import { Button } from '../../../components/button'
import { Sheet } from '../../../components/sheet'
import { FormError } from '../../../components/states'
import { useSubmit } from '../../../hooks/useSubmit'
import { fetchEntryDocument, type TimelineEntry } from '../../../services/record'
import type { ReportDocument } from '../../../services/reports'
import { readText } from '../../../utils/bytes'
import { extensionOf, fileLabel } from '../../../utils/report'
import { saveFile } from '../../../utils/saveFile'

export function Papers({ entry, patientId }: { entry: TimelineEntry; patientId: string }) {
  const [text, setText] = useState<string>()
  const loading = useSubmit()
  const open = ({ number, content_type: kind }: ReportDocument) => (): void => {
    void loading.run(async () => {
      const content = await fetchEntryDocument(patientId, entry.id, number)
      const words = kind === 'text/plain' ? readText(content) : null
      if (words === null) await saveFile(content, `document.${extensionOf(kind)}`)
      else setText(words)
    })
  }
  return (
    <>
      {entry.documents.map((one) => (
        <Button small kind="plain" className="moment__action" key={one.number} text={fileLabel(one)} busy={loading.busy} onPress={open(one)} testId="record-paper" />
      ))}
      <FormError error={loading.error} />
      <Sheet
        open={text !== undefined} title={entry.title}
        onClose={() => {
          setText(undefined)
        }}
      >
        <Text userSelect className="moment__text" data-testid="record-paper-text">{text}</Text>
      </Sheet>
    </>
  )
}
