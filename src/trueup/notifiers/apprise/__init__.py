"""Alerts by any of apprise's services: Telegram, Discord, Slack, ntfy, Pushover, e-mail …"""
