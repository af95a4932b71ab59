import type { Component } from 'vue'
import type { User } from '@/api/types'
import AuditSection from '@/components/settings/AuditSection.vue'
import BotsSection from '@/components/settings/BotsSection.vue'
import HooksSection from '@/components/settings/HooksSection.vue'
import JobsSection from '@/components/settings/JobsSection.vue'
import SecuritySection from '@/components/settings/SecuritySection.vue'
import SessionsSection from '@/components/settings/SessionsSection.vue'
import TokensSection from '@/components/settings/TokensSection.vue'
import WebhooksSection from '@/components/settings/WebhooksSection.vue'
import type { IconName } from '@/components/ui/icons'

/** A part of the settings. Its name is the end of its address, and where its words are: `settings.<name>`. */
export interface Section {
  name: string
  icon: IconName
  forAdmins: boolean
  component: Component
}

export const SECTIONS: readonly Section[] = [
  { name: 'tokens', icon: 'key', forAdmins: false, component: TokensSection },
  { name: 'security', icon: 'shield', forAdmins: false, component: SecuritySection },
  { name: 'sessions', icon: 'device', forAdmins: false, component: SessionsSection },
  { name: 'bots', icon: 'bot', forAdmins: true, component: BotsSection },
  { name: 'hooks', icon: 'hook', forAdmins: true, component: HooksSection },
  { name: 'webhooks', icon: 'send', forAdmins: true, component: WebhooksSection },
  { name: 'jobs', icon: 'clock', forAdmins: true, component: JobsSection },
  { name: 'audit', icon: 'list', forAdmins: true, component: AuditSection },
]

export function sectionsFor(user: User | null): readonly Section[] {
  return user ? SECTIONS.filter(({ forAdmins }) => !forAdmins || user.role === 'admin') : []
}
