# One server, by way of Ansible: docs/start/server.md. `make deploy CHECK=1` only says what it would change.
.PHONY: deploy rollback restore deployed

SERVER = server.yml
PLAY = ANSIBLE_CONFIG=deploy/server/ansible.cfg .venv/bin/ansible-playbook --inventory $(SERVER) $(if $(CHECK),--check --diff)

deploy: $(SERVER) ## Make the server of server.yml run this checkout: install it, or upgrade it with a backup first
	@$(SETUP) deploy
	@$(PLAY) deploy/server/deploy.yml

rollback: $(SERVER) ## Make the server run what it ran before
	@$(SETUP) deploy
	@$(PLAY) --extra-vars folkmoot_data=$(DATA) deploy/server/rollback.yml

restore: $(SERVER) ## Put a backup back on the server: make restore BACKUP=NAME; `make deployed` lists them
	@$(SETUP) deploy
	@$(PLAY) --extra-vars folkmoot_backup=$(BACKUP) deploy/server/restore.yml

deployed: $(SERVER) ## Say what runs on the server, and which backups there are
	@$(SETUP) deploy
	@$(PLAY) deploy/server/status.yml

$(SERVER):
	@echo "There is no $@. Copy deploy/server/server.example.yml to it, and say which server: docs/start/server.md"; exit 1
