FROM python:3.12-slim AS build
WORKDIR /src
COPY setup.cfg pyproject.toml constraints.txt README.md ./
COPY emulator emulator
COPY schemas schemas
COPY fixtures fixtures
RUN python -m venv /opt/emulator \
    && /opt/emulator/bin/pip install --no-cache-dir --upgrade --constraint constraints.txt pip \
    && /opt/emulator/bin/pip install --no-cache-dir --constraint constraints.txt --build-constraint constraints.txt .

FROM python:3.12-slim
RUN useradd --create-home --uid 10001 emulator && mkdir /state && chown emulator /state
COPY --from=build /opt/emulator /opt/emulator
ENV PATH=/opt/emulator/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    MODELARTS_EMULATOR_HOST=0.0.0.0 \
    MODELARTS_EMULATOR_STATE=mounted:/state
USER emulator
EXPOSE 7878 7879
RUN modelarts-emulator --version
HEALTHCHECK --interval=5s --timeout=3s --start-period=2s \
    CMD ["modelarts-emulator", "wait", "--timeout", "2"]
ENTRYPOINT ["modelarts-emulator"]
CMD ["start"]
